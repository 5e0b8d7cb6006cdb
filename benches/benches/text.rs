//! `Text::as_str` against checking the same bytes again: why it may trust them.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(clippy::std_instead_of_core, reason = "never built without std")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ws_benches::codec::size_name;
use ws_benches::wire::Kind;
use ws_core::message::Text;

fn as_str(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text/as_str");
    for kind in [Kind::Ascii, Kind::MultiByte] {
        for size in [64, 1 << 10, 64 << 10] {
            let bytes = bytes::Bytes::from(kind.payload(size));
            let Ok(text) = Text::try_from(bytes.clone()) else {
                continue;
            };
            let id = |how| BenchmarkId::new(how, format!("{}, {}", kind.word(), size_name(size)));
            group.bench_function(id("trusted"), |bencher| {
                bencher.iter(|| black_box(&text).as_str().len());
            });
            group.bench_function(id("checked again"), |bencher| {
                bencher.iter(|| std::str::from_utf8(black_box(&bytes)).map(str::len));
            });
        }
    }
}

criterion_group!(benches, as_str);
criterion_main!(benches);
