//! How much the next read takes in, so that it ends where a frame ends.
//!
//! What is there of a long frame whose rest is not has to be moved. Where long frames follow each
//! other they are often of one length, so that is what the next ones are taken to be. It looks at no
//! byte; if it is wrong, a read is shorter than it could be.

/// Where the next frame would not fit as a whole, no more of it than this is taken in: the less of it
/// is in the buffer, the less has to be moved.
const SHORT_READ: usize = 1024;

/// What is this long or longer is taken to fit into no buffer.
const LONG: u16 = u16::MAX;

/// Frames like the last one that was cut off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stride {
    /// Their length, header and payload; 0 if moving one costs next to nothing, and [`LONG`] if none
    /// would fit.
    each: u16,
    /// How many bytes of the one under way are still to come; more than this counts as this.
    ahead: u16,
}

impl Stride {
    /// Frames of `each` bytes, of the first of which `due` are still to come.
    pub(super) fn of(each: usize, due: usize) -> Self {
        Self {
            each: u16::try_from(each).unwrap_or(LONG),
            ahead: u16::try_from(due).unwrap_or(u16::MAX),
        }
    }

    /// How much to read where there is room for `room` bytes behind `held`. Never 0, if that isn't.
    pub(super) fn most(self, held: usize, room: usize) -> usize {
        let (each, ahead) = (usize::from(self.each), usize::from(self.ahead));
        let all = held + room;
        if self.each == LONG || each > all {
            return room.min(ahead + SHORT_READ);
        }
        let frames = all.saturating_sub(ahead).checked_div(each);
        match frames.map(|frames| (ahead + frames * each).saturating_sub(held)) {
            None | Some(0) => room,
            Some(most) => room.min(most),
        }
    }

    /// So many bytes were read.
    pub(super) fn read(&mut self, n: usize) {
        let ahead = usize::from(self.ahead).saturating_sub(n);
        self.ahead = u16::try_from(ahead).unwrap_or(0);
    }

    /// A read ended in a buffer of `size` bytes: a short one was enough if they are longer than that.
    pub(super) fn end_here(&mut self, size: usize) {
        if self.each == LONG || usize::from(self.each) > size {
            self.each = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_read_ends_where_a_frame_like_the_last_one_ends() {
        let stride = Stride::of(16_392, 32);
        assert_eq!(stride.most(0, 65_536), 32 + 3 * 16_392);
        let (mut read, size) = (stride, 65_536);
        read.read(20);
        read.end_here(size);
        assert_eq!(read.most(0, size), 12 + 3 * 16_392, "some of it came");
        read.read(12);
        assert_eq!(read.most(0, size), 3 * 16_392);
        assert_eq!(read.most(5, size - 5), 3 * 16_392 - 5, "5 are there");
    }

    #[test]
    fn where_none_is_cut_off_a_read_takes_in_all_it_can() {
        for stride in [Stride::default(), Stride::of(0, 100)] {
            assert_eq!(stride.most(0, 65_536), 65_536);
            assert_eq!(stride.most(100, 65_436), 65_436);
        }
    }

    #[test]
    fn what_does_not_fit_is_read_up_to_its_beginning_once() {
        let mut stride = Stride::of(1 << 20, 500);
        assert_eq!(stride.most(0, 65_536), 500 + SHORT_READ);
        stride.read(500);
        assert_eq!(stride.most(0, 65_536), SHORT_READ);
        stride.read(100);
        stride.end_here(65_536);
        assert_eq!(stride.most(100, 65_436), 65_436);
    }

    proptest! {
        #[test]
        fn it_never_asks_for_nothing_and_never_for_more_than_there_is(
            each in 0..200_000_usize,
            due in 0..200_000_usize,
            held in 0..70_000_usize,
            room in 1..200_000_usize,
            reads in prop::collection::vec(0..70_000_usize, 0..4),
        ) {
            let mut stride = Stride::of(each, due);
            for n in reads {
                stride.read(n);
            }
            let most = stride.most(held, room);
            prop_assert!(most > 0 && most <= room, "{most}");
        }

        #[test]
        fn frames_of_one_length_are_cut_off_once(
            each in 4200..60_000_usize,
            first in 0..60_000_usize,
            cuts in prop::collection::vec(1..65_536_usize, 1..20),
        ) {
            // `first` bytes of the frame are there; then reads take in what they are let, or less.
            let (size, first) = (65_536, first % each);
            let mut stride = Stride::of(each, each - first);
            let mut at = first;
            for cut in cuts {
                let most = stride.most(0, size);
                prop_assert_eq!((at + most) % each, 0, "as many as fit");
                // What comes is cut off anew, and the decoder says so.
                at += most.min(cut);
                stride.read(most.min(cut));
                stride.end_here(size);
                if at % each > 0 {
                    stride = Stride::of(each, each - at % each);
                }
            }
        }
    }
}
