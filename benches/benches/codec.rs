//! Decoding and encoding in memory, per message: `cargo bench -p ws-benches --bench codec`.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "made by criterion's macros")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_benches::codec::{Question, SIZES, size_name};
use ws_benches::stats::thread_time;

fn codec(criterion: &mut Criterion) {
    for question in Question::all() {
        let mut group = criterion.benchmark_group(question.title());
        for size in SIZES {
            let case = question.case(size);
            group.throughput(Throughput::Bytes(size as u64));
            for who in question.subjects() {
                let Some(mut job) = (who.job)(&case) else {
                    continue;
                };
                case.check(who.name, who.class, &mut job);
                let messages = case.messages as u64;
                group.bench_function(BenchmarkId::new(who.name, size_name(size)), |bencher| {
                    // A run handles many messages; what counts is one of them.
                    bencher.iter_custom(|wanted| {
                        let runs = wanted.div_ceil(messages);
                        let start = thread_time();
                        for _ in 0..runs {
                            job();
                        }
                        let share = wanted as f64 / (runs * messages) as f64;
                        (thread_time() - start).mul_f64(share)
                    });
                });
            }
        }
    }
}

fn short() -> Criterion {
    let criterion = Criterion::default().sample_size(20);
    criterion
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = short(); targets = codec }
criterion_main!(benches);
