//! Makes every node reachable from the entry points: a node that no list names can never be found again.

use super::DEGREE;
use super::draft::Draft;
use super::record::Node;
use super::search::{Scratch, walk};
use crate::num::{u32_saturating, usize_of};

/// Nodes looked for around a lost one, for a list with a free slot.
const REPAIR_EF: usize = 32;

impl Draft {
    /// Every node, in order.
    pub(super) fn ids(&self) -> Vec<u32> {
        (0..u32_saturating(self.nodes.len())).collect()
    }

    /// Links every node that cannot be reached from the entry points, and returns how many there were.
    ///
    /// A lost node goes into the free slot of a near node that is reached. Where none has one, it is spliced into the list of
    /// the nearest: the link that gives way is taken up by the lost node, so that all that was reached still is.
    pub(super) fn repair(&mut self) -> usize {
        let mut reached = vec![false; self.nodes.len()];
        let mut queue: Vec<u32> = Vec::new();
        for &entry in &self.entries {
            if !std::mem::replace(&mut reached[usize_of(entry)], true) {
                queue.push(entry);
            }
        }
        self.spread(&mut reached, &mut queue);
        let mut lost = 0;
        let mut scratch = Scratch::new();
        for id in self.ids() {
            if reached[usize_of(id)] {
                continue;
            }
            lost += 1;
            let sketch = *self.nodes[usize_of(id)].sketch();
            let entries = self.entries.as_slice();
            walk(self.kernels, self.metric, &self.nodes, entries, &sketch, REPAIR_EF, &mut scratch);
            let mut near = scratch.pool.nodes().map(|(_, node)| node);
            let nearest = near.next();
            let has_room = |node: &u32| self.nodes[usize_of(*node)].link_count() < DEGREE;
            if let Some(host) = nearest.into_iter().chain(near).find(has_room) {
                let host = &mut self.nodes[usize_of(host)];
                let links: Vec<u32> = host.links().chain([id]).collect();
                host.set_links(links);
            } else if let Some(host) = nearest {
                self.splice(host, id);
            }
            reached[usize_of(id)] = true;
            queue.push(id);
            self.spread(&mut reached, &mut queue);
        }
        lost
    }

    /// Puts `id` in the last slot of `host`, and what stood there in the last slot of `id`.
    fn splice(&mut self, host: u32, id: u32) {
        let mut links: Vec<u32> = self.nodes[usize_of(host)].links().collect();
        let displaced = links.pop();
        links.push(id);
        self.nodes[usize_of(host)].set_links(links);
        let mut own: Vec<u32> = self.nodes[usize_of(id)].links().collect();
        own.truncate(DEGREE - 1);
        own.extend(displaced);
        self.nodes[usize_of(id)].set_links(own);
    }

    /// Marks all that can be reached from `queue`.
    fn spread(&self, reached: &mut [bool], queue: &mut Vec<u32>) {
        while let Some(node) = queue.pop() {
            for link in self.nodes[usize_of(node)].links() {
                if let Some(mark) = reached.get_mut(usize_of(link))
                    && !std::mem::replace(mark, true)
                {
                    queue.push(link);
                }
            }
        }
    }

    /// How many nodes cannot be reached from the entry points; 0 after `Draft::repair`.
    #[must_use]
    pub fn unreachable_count(&self) -> usize {
        let mut reached = vec![false; self.nodes.len()];
        let mut queue = self.entries.clone();
        for &entry in &self.entries {
            reached[usize_of(entry)] = true;
        }
        self.spread(&mut reached, &mut queue);
        reached.iter().filter(|&&mark| !mark).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metric, SKETCH_BYTES};
    use super::*;
    use crate::simd::Kernels;

    /// Nodes in a line, far from each other, with full lists that name the first nodes only.
    fn knot(count: u32) -> Draft {
        let sketches: Vec<[u8; SKETCH_BYTES]> = (0..count)
            .map(|i| {
                std::array::from_fn(|at| {
                    super::super::draft::mix(u64::from(i * 128) + crate::num::u64_of(at)).to_le_bytes()[0]
                })
            })
            .collect();
        let made =
            Draft::unlinked(Metric::HammingBits, Kernels::detect(), sketches.len(), |i| &sketches[usize_of(i)], |i| i);
        let Ok((mut draft, _)) = made else { panic!("a small draft is within every bound") };
        for id in 0..count {
            draft.nodes[usize_of(id)].set_links((0..33).filter(|&link| link != id).take(32));
        }
        draft.entries = vec![0];
        draft
    }

    #[test]
    fn lost_nodes_are_spliced_into_full_lists() {
        let mut draft = knot(500);
        assert_eq!(draft.unreachable_count(), 500 - 33);
        assert_eq!(draft.repair(), 500 - 33);
        assert_eq!(draft.unreachable_count(), 0);
        assert_eq!(draft.repair(), 0);
    }
}
