//! Listings that come in pages, read to the last one.

use crate::call::{CallError, Effect};

/// Pages of one listing. More would be a listing that does not end.
const PAGES: usize = 1000;

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
    let mut cursor = None;
    for _ in 0..PAGES {
        let (items, next) = page(cursor.clone()).await?;
        all.extend(items);
        if next.is_none() {
            return Ok(all);
        }
        if next == cursor {
            break;
        }
        cursor = next;
    }
    let endless = "the list does not end";
    Err(CallError::malformed(service, operation, Effect::None, endless))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(cursors: &[&str]) -> Option<Vec<usize>> {
        let mut asked = 0;
        let page = |_| {
            asked += 1;
            let next = cursors.get(asked - 1).map(|cursor| (*cursor).to_owned());
            std::future::ready(Ok((vec![asked], next)))
        };
        all("Test", "listing", page).await.ok()
    }

    #[tokio::test]
    async fn a_listing_is_read_to_its_last_page_or_not_at_all() {
        assert_eq!(read(&[]).await, Some(vec![1]));
        assert_eq!(read(&["a", "b"]).await, Some(vec![1, 2, 3]));
        assert_eq!(read(&["a", "a"]).await, None);
        assert_eq!(read(&["a", "b"].repeat(600)).await, None);
    }
}
