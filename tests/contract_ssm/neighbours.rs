//! Parameters of one path are listed together, as far as that is cheap.

use serde_json::{Value, json};

use super::scripted_aws::{Reply, ScriptedAws};
use super::{connections, listed, slot_of};

/// AWS with the parameters `/app/0` … of a path, fifty of which fit on a page.
async fn aws(parameters: usize) -> ScriptedAws {
    ScriptedAws::start(move |operation, request| {
        assert_eq!(operation, "DescribeParameters");
        let filter = &request["ParameterFilters"][0];
        if filter["Key"] == "Name" {
            let names = filter["Values"].as_array().unwrap().iter().filter_map(Value::as_str);
            let known = names.filter(|name| name[5..].parse::<usize>().unwrap() < parameters);
            return Reply::Answer(
                200,
                json!({ "Parameters": known.map(|name| listed(name, 1, "")).collect::<Vec<_>>() }),
            );
        }
        assert_eq!(
            filter,
            &json!({ "Key": "Path", "Option": "OneLevel", "Values": ["/app"] })
        );
        let from = request["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let until = parameters.min(from + 50);
        let page: Vec<Value> = (from..until)
            .map(|number| listed(&format!("/app/{number}"), 1, ""))
            .collect();
        let next = (until < parameters).then(|| until.to_string());
        Reply::Answer(200, json!({ "Parameters": page, "NextToken": next }))
    })
    .await
}

/// Asks for the first `asked` names, one after the other; how many are there, and how many calls that took.
async fn found(parameters: usize, asked: usize) -> (usize, usize) {
    let aws = aws(parameters).await;
    let connections = connections(aws.url());
    let mut found = 0;
    for number in 0..asked {
        let name = format!("/app/{number}");
        let entry = slot_of(&name, &connections).inspect().await.expect("inspect");
        found += usize::from(entry.is_some());
    }
    (found, aws.count("DescribeParameters"))
}

#[tokio::test]
async fn the_second_name_of_a_path_brings_all_of_its_pages() {
    assert_eq!(found(3, 1).await, (1, 1));
    assert_eq!(found(3, 3).await, (3, 2));
    assert_eq!(found(120, 120).await, (120, 1 + 3));
    assert_eq!(found(1000, 60).await, (60, 1 + 20));
}

#[tokio::test]
async fn what_a_listing_lacks_is_not_there() {
    assert_eq!(found(3, 10).await, (3, 2));
}

#[tokio::test]
async fn a_path_with_more_than_a_thousand_is_given_up_once_and_its_names_are_asked_for() {
    assert_eq!(found(1001, 10).await, (10, 1 + 20 + 9));
}
