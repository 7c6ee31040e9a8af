//! How memory for large tables is had from the system, and given back.
#![allow(unsafe_code)]

/// `len` defaults, in large pages where the system gives them: nearly every read of a table of 16 MiB costs a walk of the page
/// tables otherwise, and one that asks for memory ahead waits for it.
#[must_use]
pub fn table<T: Clone + Default>(len: usize) -> Vec<T> {
    let mut table = Vec::with_capacity(len);
    #[cfg(target_os = "linux")]
    {
        const PAGE_BYTES: usize = 4096;
        let room = table.spare_capacity_mut();
        let (at, bytes) = (room.as_mut_ptr().cast::<u8>(), size_of_val(room));
        let skipped = at.align_offset(PAGE_BYTES).min(bytes);
        let whole = (bytes - skipped) / PAGE_BYTES * PAGE_BYTES;
        // SAFETY: the range lies inside what the vector has allocated, and the advice changes no byte of it. A system that
        // refuses it leaves the table as it was.
        let _ = unsafe { libc::madvise(at.add(skipped).cast(), whole, libc::MADV_HUGEPAGE) };
    }
    table.resize(len, T::default());
    table
}

/// Has large blocks returned to the system as soon as they are let go, for a program of its own to call before it has threads:
/// a library leaves its host's allocator alone. That of glibc keeps what is smaller than the largest block it ever let go, up to
/// 32 MB, and so whatever a stage of mining needed stayed beside what the next one needs: a million requests took 210 MB at
/// most, and take 191 with this; reading them took 456 and takes 350, in 3 % more time. Elsewhere nothing happens.
pub fn return_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE_BYTES: libc::c_int = 128 << 10;
        // SAFETY: a setting of the allocator, which takes any value and moves no memory.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn a_table_has_its_length_and_nothing_in_it() {
        for len in [0, 1, 1000, 1 << 20] {
            let table = table::<[u64; 3]>(len);
            assert!(table.len() == len && table.iter().all(|each| *each == [0; 3]));
        }
    }
}
