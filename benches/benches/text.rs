//! `Text::as_str` against checking the same bytes again: why it may trust them.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "made by criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use ws_benches::codec::size_name;
use ws_benches::stats::thread_time;
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
                run(bencher, || black_box(&text).as_str().len());
            });
            group.bench_function(id("checked again"), |bencher| {
                run(bencher, || {
                    std::str::from_utf8(black_box(&bytes)).map(str::len)
                });
            });
            group.bench_function(id("checked again by SIMD"), |bencher| {
                run(bencher, || {
                    simdutf8::basic::from_utf8(black_box(&bytes)).map(str::len)
                });
            });
        }
    }
}

/// Counts the CPU time of this thread: what other processes take is not the subject's.
fn run<T>(bencher: &mut Bencher<'_>, mut subject: impl FnMut() -> T) {
    bencher.iter_custom(|wanted| {
        let start = thread_time();
        for _ in 0..wanted {
            black_box(subject());
        }
        thread_time() - start
    });
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = as_str }
criterion_main!(benches);
