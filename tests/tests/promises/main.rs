//! The promises of the program, one file each, in one test program because linking many is slow.

#![expect(clippy::print_stdout, reason = "measured figures belong into the output of a test run")]

mod acknowledged_survives_kill;
mod bad_lines_are_told_and_skipped;
mod banks_acquit_what_is_public;
mod command_line_keeps_its_contract;
mod compaction_does_not_show_the_order;
mod conversations_count_each_turn_once;
mod damaged_stores_are_refused;
mod families_beat_the_prefix;
mod forget_hides_at_once;
mod gateways_know_families;
mod golden_stores_open;
mod graphs_bear_damage;
mod logs_are_read_as_they_are_found;
mod near_duplicates_are_found;
mod neighbors_are_found;
mod nothing_is_readable_without_the_key;
mod replay_tells_when;
mod rooms_keep_their_arrows;
mod same_log_again_adds_nothing;
mod support;
mod two_threads_search_twice_as_much;
mod variants_are_told;
