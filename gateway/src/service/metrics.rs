//! The figures of a service, for Prometheus.
