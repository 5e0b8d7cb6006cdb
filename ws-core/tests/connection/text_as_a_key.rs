//! A map whose keys are texts is asked with a `&str`.

use std::collections::{BTreeMap, HashMap};

use ws_core::message::Text;

#[test]
fn a_text_in_a_map_is_found_by_its_str() {
    let entries = ["topic", "naïve", ""].map(|key| (Text::from(key), key));
    let (hashed, sorted) = (HashMap::from(entries.clone()), BTreeMap::from(entries));
    for key in ["topic", "naïve", ""] {
        assert_eq!((hashed.get(key), sorted.get(key)), (Some(&key), Some(&key)));
    }
}
