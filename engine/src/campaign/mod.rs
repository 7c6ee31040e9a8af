//! Room under construction: campaign.
