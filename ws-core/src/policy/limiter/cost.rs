//! What a message costs: units of up to four buckets, looked up by its kind.
//!
//! Nothing is taken from a bucket here.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

/// One of the four buckets that a limiter can have.
///
/// Exhaustive on purpose: a cost has room for these.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BucketId {
    /// The first; what a cost without a bucket means.
    A,
    /// The second.
    B,
    /// The third.
    C,
    /// The fourth.
    D,
}

impl BucketId {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
            Self::C => 2,
            Self::D => 3,
        }
    }
}

/// Units per bucket. A bucket that the limiter does not have costs nothing.
///
/// ```
/// use ws_core::policy::{BucketId, Cost};
///
/// let order = Cost::new(10).and(BucketId::B, 1);
/// assert_eq!((order.units(BucketId::A), order.units(BucketId::B)), (10, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Cost([u32; 4]);

impl Cost {
    /// Costs nothing.
    pub const FREE: Self = Self([0; 4]);

    /// So many units of bucket A.
    #[must_use]
    pub const fn new(units: u32) -> Self {
        Self([units, 0, 0, 0])
    }

    /// Adds units of a bucket; saturates.
    #[must_use]
    pub const fn and(mut self, bucket: BucketId, units: u32) -> Self {
        let at = bucket.index();
        self.0[at] = self.0[at].saturating_add(units);
        self
    }

    /// The units of one bucket.
    #[must_use]
    pub const fn units(&self, bucket: BucketId) -> u32 {
        self.0[bucket.index()]
    }

    /// Both together; saturates.
    #[must_use]
    pub const fn plus(self, other: &Self) -> Self {
        let [a, b, c, d] = other.0;
        self.and(BucketId::A, a)
            .and(BucketId::B, b)
            .and(BucketId::C, c)
            .and(BucketId::D, d)
    }

    /// Do both cost something of the same bucket?
    #[must_use]
    pub fn competes_with(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.any(|(a, b)| *a > 0 && *b > 0)
    }
}

/// The costs of messages by their kind: a map, or a function. The kind is whatever the caller calls
/// its messages, such as the method of a request.
///
/// ```
/// use ws_core::policy::{Cost, Pricing};
///
/// let pricing = Pricing::flat(Cost::new(1)).with("order", Cost::new(10));
/// assert_eq!(pricing.cost("order"), Cost::new(10));
/// assert_eq!(pricing.cost("anything else"), Cost::new(1));
/// assert_eq!(Pricing::deribit().cost("private/buy"), Cost::new(15));
/// ```
#[derive(Clone)]
pub struct Pricing {
    kinds: BTreeMap<Cow<'static, str>, Cost>,
    otherwise: Otherwise,
}

#[derive(Clone)]
enum Otherwise {
    Flat(Cost),
    Function(Arc<dyn Fn(&str) -> Cost + Send + Sync>),
}

impl Default for Pricing {
    /// 5 for a "subscription", 10 for "auth", 1 for a "query" and for everything else.
    fn default() -> Self {
        Self::flat(Cost::new(1))
            .with("subscription", Cost::new(5))
            .with("auth", Cost::new(10))
            .with("query", Cost::new(1))
    }
}

impl Pricing {
    /// The same for every kind.
    #[must_use]
    pub const fn flat(cost: Cost) -> Self {
        Self {
            kinds: BTreeMap::new(),
            otherwise: Otherwise::Flat(cost),
        }
    }

    /// What a function says.
    #[must_use]
    pub fn function(cost: impl Fn(&str) -> Cost + Send + Sync + 'static) -> Self {
        Self {
            kinds: BTreeMap::new(),
            otherwise: Otherwise::Function(Arc::new(cost)),
        }
    }

    /// Deribit's methods: public ones 1, `private/get_` 5, `private/set_` 10, buying and selling 15,
    /// the rest 5.
    #[must_use]
    pub fn deribit() -> Self {
        Self::function(|method| {
            Cost::new(match method {
                "private/buy" | "private/sell" => 15,
                _ if method.starts_with("public/") => 1,
                _ if method.starts_with("private/set_") => 10,
                _ => 5,
            })
        })
    }

    /// Binance: 2 for methods about klines, 1 for the rest.
    #[must_use]
    pub fn binance() -> Self {
        Self::function(|method| Cost::new(if method.contains("klines") { 2 } else { 1 }))
    }

    /// Sets the cost of one kind, whatever the map or function said.
    #[must_use]
    pub fn with(mut self, kind: impl Into<Cow<'static, str>>, cost: Cost) -> Self {
        self.kinds.insert(kind.into(), cost);
        self
    }

    /// The cost of a message of that kind.
    #[must_use]
    pub fn cost(&self, kind: &str) -> Cost {
        let own = self.kinds.get(kind).copied();
        own.unwrap_or_else(|| match &self.otherwise {
            Otherwise::Flat(cost) => *cost,
            Otherwise::Function(cost) => cost(kind),
        })
    }
}

impl fmt::Debug for Pricing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Pricing");
        out.field("kinds", &self.kinds);
        match &self.otherwise {
            Otherwise::Flat(cost) => out.field("otherwise", cost),
            Otherwise::Function(_) => out.field("otherwise", &"a function"),
        };
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn s09_the_cost_function_of_deribit() {
        let pricing = Pricing::deribit();
        for (method, units) in [
            ("public/subscribe", 1),
            ("private/get_positions", 5),
            ("private/set_heartbeat", 10),
            ("private/buy", 15),
            ("private/sell", 15),
            ("private/logout", 5),
        ] {
            assert_eq!(pricing.cost(method), Cost::new(units), "{method}");
        }
    }

    #[test]
    fn a_map_has_a_default_and_beats_a_function() {
        let costs = ["subscription", "auth", "query", "order"];
        let costs = costs.map(|kind| Pricing::default().cost(kind).units(BucketId::A));
        assert_eq!(costs, [5, 10, 1, 1]);
        let pricing = Pricing::binance().with("ping", Cost::FREE);
        let costs = ["klines", "ping", "depth"].map(|kind| pricing.cost(kind));
        assert_eq!(costs, [Cost::new(2), Cost::FREE, Cost::new(1)]);
        assert!(format!("{pricing:?}").contains("a function"));
    }

    #[test]
    fn costs_compete_for_the_same_bucket_only() {
        let b = Cost::FREE.and(BucketId::B, 1);
        assert!(!Cost::new(1).competes_with(&b));
        assert!(Cost::new(1).and(BucketId::B, 1).competes_with(&b));
        assert!(!Cost::FREE.competes_with(&b));
        assert_eq!(Cost::new(1).plus(&b), Cost::new(1).and(BucketId::B, 1));
        let full = b.and(BucketId::B, u32::MAX);
        assert_eq!(full.units(BucketId::B), u32::MAX);
    }
}
