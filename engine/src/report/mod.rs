//! Room under construction: report.
