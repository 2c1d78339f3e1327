//! The little HTTP that services need: a policy fetched, a report posted, figures shown.
