//! A seeded generator of request logs.
