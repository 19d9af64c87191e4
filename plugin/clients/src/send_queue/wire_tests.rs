//! Decodes remote-write requests with independent schemas.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prost::Message;

use super::SendQueue;
use super::testing::{self, each_kind, family, native, series, view};
use foldhash::fast::FixedState;
use plugpipe_metrics::exposition::remote_write::*;
use plugpipe_metrics::exposition::samples::{self, Number, Own};
use plugpipe_metrics::model;
use plugpipe_metrics::number::write_canonical;
use plugpipe_metrics::registry::Kind;

/// The schemas again, for prost, which shares no code with the encoder.
mod schema {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(string, repeated, tag = "4")]
        pub(super) symbols: Vec<String>,
        #[prost(message, repeated, tag = "5")]
        pub(super) timeseries: Vec<TimeSeries2>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct TimeSeries2 {
        #[prost(uint32, repeated, tag = "1")]
        pub(super) labels_refs: Vec<u32>,
        #[prost(message, repeated, tag = "2")]
        pub(super) samples: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub(super) histograms: Vec<Histogram>,
        #[prost(message, repeated, tag = "4")]
        pub(super) exemplars: Vec<Exemplar2>,
        #[prost(message, optional, tag = "5")]
        pub(super) metadata: Option<Metadata2>,
        #[prost(int64, tag = "6")]
        pub(super) created_timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Exemplar2 {
        #[prost(uint32, repeated, tag = "1")]
        pub(super) labels_refs: Vec<u32>,
        #[prost(double, tag = "2")]
        pub(super) value: f64,
        #[prost(int64, tag = "3")]
        pub(super) timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metadata2 {
        #[prost(int32, tag = "1")]
        pub(super) kind: i32,
        #[prost(uint32, tag = "3")]
        pub(super) help_ref: u32,
        #[prost(uint32, tag = "4")]
        pub(super) unit_ref: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct WriteRequest {
        #[prost(message, repeated, tag = "1")]
        pub(super) timeseries: Vec<TimeSeries1>,
        #[prost(message, repeated, tag = "3")]
        pub(super) metadata: Vec<MetricMetadata>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct TimeSeries1 {
        #[prost(message, repeated, tag = "1")]
        pub(super) labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub(super) samples: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub(super) exemplars: Vec<Exemplar1>,
        #[prost(message, repeated, tag = "4")]
        pub(super) histograms: Vec<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Label {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Exemplar1 {
        #[prost(message, repeated, tag = "1")]
        pub(super) labels: Vec<Label>,
        #[prost(double, tag = "2")]
        pub(super) value: f64,
        #[prost(int64, tag = "3")]
        pub(super) timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct MetricMetadata {
        #[prost(int32, tag = "1")]
        pub(super) kind: i32,
        #[prost(string, tag = "2")]
        pub(super) metric_family_name: String,
        #[prost(string, tag = "4")]
        pub(super) help: String,
        #[prost(string, tag = "5")]
        pub(super) unit: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Sample {
        #[prost(double, tag = "1")]
        pub(super) value: f64,
        #[prost(int64, tag = "2")]
        pub(super) timestamp: i64,
        #[prost(int64, tag = "3")]
        pub(super) start_timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Histogram {
        #[prost(uint64, optional, tag = "1")]
        pub(super) count_int: Option<u64>,
        #[prost(double, tag = "3")]
        pub(super) sum: f64,
        #[prost(sint32, tag = "4")]
        pub(super) schema: i32,
        #[prost(double, tag = "5")]
        pub(super) zero_threshold: f64,
        #[prost(uint64, optional, tag = "6")]
        pub(super) zero_count_int: Option<u64>,
        #[prost(message, repeated, tag = "8")]
        pub(super) negative_spans: Vec<BucketSpan>,
        #[prost(sint64, repeated, tag = "9")]
        pub(super) negative_deltas: Vec<i64>,
        #[prost(message, repeated, tag = "11")]
        pub(super) positive_spans: Vec<BucketSpan>,
        #[prost(sint64, repeated, tag = "12")]
        pub(super) positive_deltas: Vec<i64>,
        #[prost(int64, tag = "15")]
        pub(super) timestamp: i64,
        #[prost(double, repeated, tag = "16")]
        pub(super) custom_values: Vec<f64>,
        #[prost(int64, tag = "17")]
        pub(super) start_timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct BucketSpan {
        #[prost(sint32, tag = "1")]
        pub(super) offset: i32,
        #[prost(uint32, tag = "2")]
        pub(super) length: u32,
    }
}

const NOW: u64 = 1_700_000_002_345;

fn send_queue(families: &[testing::OwnedFamily], external: &[(&str, &str)]) -> SendQueue {
    let mut send_queue = SendQueue::new(FixedState::with_seed(1));
    send_queue.add(&view(families), external, NOW);
    send_queue
}

fn request_2(send_queue: &SendQueue) -> schema::Request {
    schema::Request::decode(&*encode_2(&send_queue.first(usize::MAX), send_queue.hasher())).unwrap()
}

fn request_1(send_queue: &SendQueue) -> schema::WriteRequest {
    schema::WriteRequest::decode(&*encode_1(&send_queue.first(usize::MAX))).unwrap()
}

type Named = Vec<(String, String)>;

fn labels_2(request: &schema::Request, refs: &[u32]) -> Named {
    let symbol = |reference: &u32| request.symbols[*reference as usize].clone();
    refs.chunks(2).map(|pair| (symbol(&pair[0]), symbol(&pair[1]))).collect()
}

fn labels_1(labels: &[schema::Label]) -> Named {
    labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
}

fn label_text(labels: &Named) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value} ")).collect::<String>().trim_end().to_owned()
}

#[test]
fn each_kind_is_written_as_a_scrape_would_store_it() {
    let request = request_2(&send_queue(&each_kind(), &[("job", "j"), ("path", "not this")]));
    let written: Vec<_> = request
        .timeseries
        .iter()
        .flat_map(|series| {
            let labels = label_text(&labels_2(&request, &series.labels_refs));
            let kind = series.metadata.as_ref().unwrap().kind;
            series.samples.iter().map(move |sample| {
                assert_eq!(sample.timestamp, NOW as i64);
                (labels.clone(), sample.value, kind)
            })
        })
        .collect();
    let expected = [
        ("__name__=bytes_total job=j path=/a\\b\n\"c\"", 3.0, 1),
        ("__name__=bytes_total job=j path=not this", 0.1, 1),
        ("__name__=gauge_ratio a=1 b=2 job=j path=not this", -0.0, 2),
        ("__name__=latency_seconds_bucket job=j le=0.0001 path=/", 0.0, 3),
        ("__name__=latency_seconds_bucket job=j le=1.0 path=/", 2.0, 3),
        ("__name__=latency_seconds_bucket job=j le=1e+06 path=/", 3.0, 3),
        ("__name__=latency_seconds_bucket job=j le=+Inf path=/", 4.0, 3),
        ("__name__=latency_seconds_sum job=j path=/", 2e6, 3),
        ("__name__=latency_seconds_count job=j path=/", 4.0, 3),
        ("__name__=state a=1 job=j path=not this state=off", 0.0, 7),
        ("__name__=state a=1 job=j path=not this state=on", 1.0, 7),
        ("__name__=summary job=j path=not this quantile=0.5", 0.25, 5),
        ("__name__=summary job=j path=not this quantile=1.0", f64::NAN, 5),
        ("__name__=summary_sum job=j path=not this", 0.5, 5),
        ("__name__=summary_count job=j path=not this", 2.0, 5),
        ("__name__=version_info job=j la.bel=1.2.3 path=not this", 1.0, 6),
    ];
    let exact = |(labels, value, kind): (String, f64, i32)| (labels, value.to_bits(), kind);
    let expected: Vec<_> = expected.into_iter().map(|(labels, value, kind)| (labels.to_owned(), value, kind)).collect();
    assert_eq!(written.into_iter().map(exact).collect::<Vec<_>>(), expected.into_iter().map(exact).collect::<Vec<_>>());
    let first = &request.timeseries[0];
    let metadata = first.metadata.as_ref().unwrap();
    assert_eq!(request.symbols[metadata.help_ref as usize], "Say \"bytes\",\\ or\nnothing.");
    assert_eq!(request.symbols[metadata.unit_ref as usize], "bytes");
    assert_eq!((first.created_timestamp, first.samples[0].start_timestamp), (1_700_000_000_120, 1_700_000_000_120));
    assert_eq!(label_text(&labels_2(&request, &first.exemplars[0].labels_refs)), "trace_id=x\"y");
    assert_eq!((first.exemplars[0].value, first.exemplars[0].timestamp), (0.5, 1_700_000_001_000));
    // An exemplar without a timestamp gets that of its sample.
    assert_eq!(request.timeseries[4].exemplars[0].timestamp, NOW as i64);
}

#[test]
fn a_native_histogram_is_one_histogram_in_both_versions() {
    let mut with_start = series(&[], testing::Point::Native(native(&[0.0, 1.5, 1.5, 3.0, 40.0, -0.3])));
    with_start.created_ms = Some(NOW - 1);
    let send_queue = send_queue(&[family("n", Kind::NativeHistogram, vec![with_start])], &[]);
    let (one, two) = (request_1(&send_queue), request_2(&send_queue));
    let mut expected = schema::Histogram {
        count_int: Some(6),
        sum: 45.7,
        zero_count_int: Some(1),
        negative_spans: vec![schema::BucketSpan { offset: -1, length: 1 }],
        negative_deltas: vec![1],
        positive_spans: vec![schema::BucketSpan { offset: 1, length: 2 }, schema::BucketSpan { offset: 3, length: 1 }],
        positive_deltas: vec![2, -1, 0],
        timestamp: NOW as i64,
        ..Default::default()
    };
    assert_eq!(one.timeseries[0].histograms, [expected.clone()]);
    expected.start_timestamp = NOW as i64 - 1;
    assert_eq!(two.timeseries[0].histograms, [expected]);
    assert!(one.timeseries[0].samples.is_empty() && two.timeseries[0].samples.is_empty());
}

#[test]
fn a_classic_histogram_with_custom_buckets_is_one_native_histogram() {
    let families = each_kind();
    let mut families = view(&families);
    families.retain(|family| family.kind == Kind::Histogram);
    families[0].is_custom = true;
    let mut send_queue = SendQueue::new(FixedState::with_seed(1));
    send_queue.add(&families, &[], NOW);
    let expected = schema::Histogram {
        count_int: Some(4),
        sum: 2e6,
        schema: -53,
        zero_count_int: Some(0),
        positive_spans: vec![schema::BucketSpan { offset: 1, length: 3 }],
        positive_deltas: vec![2, -1, 0],
        custom_values: vec![0.0001, 1.0, 1e6],
        timestamp: NOW as i64,
        start_timestamp: 1_700_000_000_120,
        ..Default::default()
    };
    let request = request_2(&send_queue);
    assert_eq!(request.timeseries.len(), 1);
    assert_eq!(request.timeseries[0].histograms, [expected]);
    assert_eq!(request.timeseries[0].exemplars.len(), 1);
}

#[test]
fn a_1_0_receiver_gets_histograms_with_custom_buckets_as_classic_ones() {
    let families = each_kind();
    let mut families = view(&families);
    families.retain(|family| family.kind == Kind::Histogram);
    let mut classic = SendQueue::new(FixedState::with_seed(1));
    classic.add(&families, &[], NOW);
    families[0].is_custom = true;
    let mut custom = SendQueue::new(FixedState::with_seed(1));
    custom.add(&families, &[], NOW);
    // As a worker gets it.
    let custom = SendQueue::from_carried(custom.carry(Some(1)), FixedState::with_seed(1));
    let series = |send_queue: &SendQueue| {
        let request = request_1(send_queue);
        assert_eq!(request.metadata.len(), 1);
        let exemplars: usize = request.timeseries.iter().map(|series| series.exemplars.len()).sum();
        assert_eq!((exemplars, request.timeseries.iter().all(|series| series.histograms.is_empty())), (1, true));
        let mut all: Vec<_> =
            request.timeseries.into_iter().map(|series| (labels_1(&series.labels), series.samples)).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    };
    assert_eq!(series(&custom), series(&classic));

    let mut custom = SendQueue::from_carried(custom.carry(None), FixedState::with_seed(1));
    custom.remove(usize::MAX);
    assert_eq!(custom.end_all(NOW + 5), 1);
    let request = request_1(&custom);
    assert_eq!(request.timeseries.len(), 6);
    let is_stale = |sample: &schema::Sample| sample.value.to_bits() == 0x7ff0_0000_0000_0002;
    assert!(request.timeseries.iter().all(|series| series.samples.len() == 1 && is_stale(&series.samples[0])));
}

#[test]
fn a_1_0_receiver_gets_legacy_names_each_once() {
    let point = || testing::Point::Gauge(1.0);
    let labels = [("a.b", "dot"), ("a_b", "line"), ("ä", "x")];
    let send_queue = send_queue(&[family("my.gauge", Kind::Gauge, vec![series(&labels, point())])], &[]);
    let request = request_1(&send_queue);
    assert_eq!(label_text(&labels_1(&request.timeseries[0].labels)), "_=x __name__=my_gauge a_b=dot");
    assert_eq!(request.metadata[0].metric_family_name, "my_gauge");
    let request = request_2(&send_queue);
    let labels = labels_2(&request, &request.timeseries[0].labels_refs);
    assert_eq!(label_text(&labels), "__name__=my.gauge a.b=dot a_b=line ä=x");
}

#[test]
fn a_stale_marker_has_prometheus_bits() {
    let families =
        [family("g", Kind::Gauge, vec![series(&[], testing::Point::Gauge(1.0))]), each_kind().swap_remove(3)];
    let mut send_queue = send_queue(&families, &[]);
    send_queue.remove(usize::MAX);
    assert_eq!(send_queue.end_all(NOW + 5), 2);
    let request = request_1(&send_queue);
    let sample = &request.timeseries[0].samples[0];
    assert_eq!((sample.value.to_bits(), sample.timestamp), (0x7ff0_0000_0000_0002, NOW as i64 + 5));
    let histogram = &request.timeseries[1].histograms[0];
    assert_eq!((histogram.sum.to_bits(), histogram.count_int), (0x7ff0_0000_0000_0002, Some(0)));
    let request = request_2(&send_queue);
    assert_eq!(request.timeseries[0].samples[0].value.to_bits(), 0x7ff0_0000_0000_0002);
    assert_eq!(request.timeseries[1].histograms[0].sum.to_bits(), 0x7ff0_0000_0000_0002);
}

#[test]
fn the_first_of_duplicate_labels_counts_and_empty_labels_do_not() {
    let mut key = vec![1, 2, 3];
    key_of(vec![("b", "1"), ("a", ""), ("b", "2"), ("a", "3")], &mut key);
    assert_eq!(labels_of(&key).collect::<Vec<_>>(), [("a", "3"), ("b", "1")]);
    key_of(Vec::new(), &mut key);
    assert_eq!(labels_of(&key).count(), 0);
}

proptest! {
    #[test]
    fn an_independent_reader_finds_each_sample_once_and_bit_exact(families in testing::arbitrary()) {
        let external = [("job", "j"), ("xa", "external")];
        let send_queue = send_queue(&families, &external);
        let (one, two) = (request_1(&send_queue), request_2(&send_queue));

        prop_assert_eq!(two.symbols[0].as_str(), "");
        let distinct: BTreeSet<_> = two.symbols.iter().collect();
        prop_assert_eq!(distinct.len(), two.symbols.len());

        // The expected series, built from the view by the rules of samples alone.
        let mut expected: BTreeMap<Named, (u64, u64)> = BTreeMap::new();
        let mut exemplars = 0;
        for family in view(&families) {
            for series in &family.series {
                let mut expect = |suffix: &str, own: Option<(String, String)>, value: f64, count: u64| {
                    let mut labels: BTreeMap<_, _> = external.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
                    labels.extend(series.labels.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_string(), v.to_string())));
                    labels.extend(own.filter(|(_, value)| !value.is_empty()));
                    labels.insert("__name__".into(), format!("{}{suffix}", family.name));
                    expected.entry(labels.into_iter().collect()).or_insert((value.to_bits(), count));
                };
                if let model::Point::Native(native) = &series.point {
                    expect("", None, native.sum(), native.count());
                    continue;
                }
                samples::each(family.kind, series, &mut |sample| {
                    let canonical = |number| {
                        let mut text = Vec::new();
                        write_canonical(number, &mut text);
                        String::from_utf8(text).unwrap()
                    };
                    let own = match sample.own {
                        Own::None => None,
                        Own::Bound(bound) => Some(("le".to_owned(), canonical(bound))),
                        Own::Rank(rank) => Some(("quantile".to_owned(), canonical(rank))),
                        Own::State(state) => Some((family.name.to_owned(), state.to_owned())),
                    };
                    let value = match sample.value { Number::Float(value) => value, Number::Count(count) => count as f64 };
                    exemplars += usize::from(sample.exemplar.is_some());
                    expect(sample.suffix, own, value, u64::MAX);
                });
            }
        }

        let mut written: BTreeMap<Named, (u64, u64)> = BTreeMap::new();
        let mut found_exemplars = 0;
        for series in &two.timeseries {
            let labels = labels_2(&two, &series.labels_refs);
            prop_assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{:?}", labels);
            prop_assert!(labels.iter().all(|(_, value)| !value.is_empty()));
            prop_assert_eq!(series.samples.len() + series.histograms.len(), 1);
            found_exemplars += series.exemplars.len();
            let value = match (series.samples.first(), series.histograms.first()) {
                (Some(sample), _) => (sample.value.to_bits(), u64::MAX),
                (_, Some(histogram)) => (histogram.sum.to_bits(), histogram.count_int.unwrap()),
                _ => unreachable!(),
            };
            prop_assert!(written.insert(labels, value).is_none());
        }
        prop_assert_eq!(&written, &expected);
        prop_assert!(found_exemplars <= exemplars);

        // 1.0 has the same series, except for non-ASCII characters in names.
        prop_assert_eq!(one.timeseries.len(), two.timeseries.len());
        for (a, b) in one.timeseries.iter().zip(&two.timeseries) {
            let labels = labels_1(&a.labels);
            prop_assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{:?}", labels);
            let bits = |samples: &[schema::Sample]| samples.iter().map(|s| (s.value.to_bits(), s.timestamp)).collect::<Vec<_>>();
            prop_assert_eq!(bits(&a.samples), bits(&b.samples));
            prop_assert_eq!(a.exemplars.len(), b.exemplars.len());
            for (a, b) in a.histograms.iter().zip(&b.histograms) {
                prop_assert_eq!(&a.positive_deltas, &b.positive_deltas);
                prop_assert_eq!(&a.negative_spans, &b.negative_spans);
            }
        }
        let histograms: usize = one.timeseries.iter().map(|series| series.histograms.len()).sum();
        prop_assert_eq!(histograms, expected.values().filter(|(_, count)| *count != u64::MAX).count());
    }
}
