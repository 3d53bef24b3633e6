//! Bodies that GitHub repeats in many answers: a repository, an environment, a user. Nobody reads most of their fields.

use serde_json::{Value, json};

pub(super) const API: &str = "https://api.github.com";

/// A repository, as short as the description of the API allows (`minimal-repository`).
pub(super) fn repository(full: &str, id: u64) -> Value {
    let (owner, name) = full.split_once('/').unwrap_or(("", full));
    let url = format!("{API}/repos/{full}");
    let mut body = json!({
        "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": full, "owner": user(owner), "private": true,
        "html_url": format!("https://github.com/{full}"), "description": null, "fork": false, "url": url,
        "default_branch": "main",
    });
    let links = [
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
        "issue_comment",
        "issue_events",
        "issues",
        "keys",
        "labels",
        "languages",
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees",
    ];
    for link in links {
        body[format!("{link}_url")] = json!(format!("{url}/{link}"));
    }
    body
}

/// An environment (`environment`).
pub(super) fn environment(full: &str, name: &str) -> Value {
    let escaped = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    json!({
        "id": 1, "node_id": "EN_1", "name": name, "url": format!("{API}/repos/{full}/environments/{escaped}"),
        "html_url": format!("https://github.com/{full}/deployments/activity_log?environments_filter={escaped}"),
        "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z",
    })
}

/// A user (`simple-user`).
pub(super) fn user(login: &str) -> Value {
    let url = format!("{API}/users/{login}");
    let mut body = json!({
        "login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": false, "url": url,
        "avatar_url": "https://avatars.githubusercontent.com/u/1", "html_url": format!("https://github.com/{login}"),
    });
    for link in [
        "events",
        "followers",
        "following",
        "gists",
        "organizations",
        "received_events",
        "repos",
        "starred",
        "subscriptions",
    ] {
        body[format!("{link}_url")] = json!(format!("{url}/{link}"));
    }
    body
}
