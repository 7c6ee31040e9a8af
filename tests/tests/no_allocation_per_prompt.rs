//! Once its buffers are warm, text to signature allocates nothing, whatever the script and at every level.
#![allow(unsafe_code)]

use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted for each thread by itself: the test's own, and not the one that started it and may still
/// be at work.
struct Counted;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

#[test]
fn warm_buffers_are_enough() {
    let texts = [
        "Plain English, with\n lines. ".repeat(200),
        "请总结下面的文章，并给出标题。GPT模型 ".repeat(100),
        "p\u{430}ssw\u{43e}rd e\u{301}\u{327} \u{1112}\u{1161}\u{11ab} Ｆｕｌｌ ﬁ ½ ".repeat(60),
        format!("x{} ", "\u{301}\u{327}".repeat(40)).repeat(20),
        "\u{fdfa}".repeat(500),
    ];
    let prompts: Vec<&[u8]> =
        texts.iter().map(String::as_bytes).chain([&b"\xff\xfe broken \xe4\xb8"[..], b"", b"abc"]).collect();
    for kernels in Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()) {
        for shingle in [Shingle::C5, Shingle::W3] {
            let normalizer = Normalizer::new(kernels);
            let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels);
            let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
            let mut pass = || {
                for prompt in &prompts {
                    normalizer.normalize(prompt, &mut form);
                    std::hint::black_box(sketcher.signature(&form, &mut scratch));
                }
            };
            pass();
            let before = COUNT.get();
            pass();
            assert_eq!(COUNT.get() - before, 0, "{kernels:?} {shingle}");
        }
    }
}
