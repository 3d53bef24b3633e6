//! Listings that come in pages, read to the last one.

use std::collections::BTreeSet;

use crate::call::{CallError, Effect};

/// Pages of one listing. More would be a listing that does not end.
const PAGES: usize = 250;

/// All items of a listing. `page` gets the cursor after which a page begins, `None` for the first, and gives its items and the cursor
/// of the next page, `None` after the last.
///
/// # Errors
/// Those of `page`, and one when the listing does not end: half a list would hide credentials, and what is hidden is never revoked.
pub(crate) async fn all<T, F>(
    service: &'static str,
    operation: &str,
    mut page: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, CallError>
where
    F: Future<Output = Result<(Vec<T>, Option<String>), CallError>>,
{
    let mut all = Vec::new();
    let mut followed = BTreeSet::new();
    let mut cursor = None;
    while followed.len() < PAGES {
        let (items, next) = page(cursor).await?;
        all.extend(items);
        let Some(next) = next else { return Ok(all) };
        // A cursor that comes back leads in a circle.
        if !followed.insert(next.clone()) {
            break;
        }
        cursor = Some(next);
    }
    let endless = "the list does not end";
    Err(CallError::malformed(service, operation, Effect::None, endless))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was listed, if the listing ended, and how many pages were asked for.
    async fn read(cursors: &[String]) -> (Option<Vec<usize>>, usize) {
        let mut asked = 0;
        let page = |_| {
            asked += 1;
            std::future::ready(Ok((vec![asked], cursors.get(asked - 1).cloned())))
        };
        (all("Test", "listing", page).await.ok(), asked)
    }

    #[tokio::test]
    async fn a_listing_is_read_to_its_last_page_or_not_at_all() {
        let cursors = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(read(&[]).await.0, Some(vec![1]));
        assert_eq!(read(&cursors("ab")).await.0, Some(vec![1, 2, 3]));
        for circle in ["aa", "abab", "abcbc"] {
            let (listed, asked) = read(&cursors(circle)).await;
            assert!(listed.is_none() && asked <= 4, "{circle}");
        }
        let new: Vec<String> = (0..2 * PAGES).map(|page| page.to_string()).collect();
        assert_eq!(read(&new).await, (None, PAGES));
    }
}
