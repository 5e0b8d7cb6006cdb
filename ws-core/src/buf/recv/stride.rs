//! How much the next read takes in, so that it ends where a frame ends.
//!
//! What is there of a long frame whose rest is not has to be moved. Where long frames follow each
//! other they are often of one length, so that is what the next ones are taken to be. Once that has
//! proved right, a read may also end earlier: as long as what it brought is in the cache. It looks at
//! no byte; if it is wrong, a read is shorter than it could be.

/// Where the next frame would not fit as a whole, no more of it than this is taken in: the less of it
/// is in the buffer, the less has to be moved.
const SHORT_READ: usize = 1024;

/// What is this long or longer is taken to fit into no buffer.
const LONG: u16 = u16::MAX;

/// Of frames that are known to follow each other, a read for the cache takes in as many as fit into
/// this, one to four of them: with what they are copied from, that stays in the smallest cache.
const HOT: usize = 20 * 1024;

/// Such reads go on until together they have brought about what one read could have.
const BURST: usize = 64 * 1024;

/// Two reads have to end where a frame ends before one is let end earlier.
const SURE: u8 = 3;

/// Frames like the last one that was cut off.
///
/// It is looked at by reference: a copy would be read as a whole, and behind a write to a part of it the
/// processor waits then for all that was written before, the bytes that were received among it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stride {
    /// Their length, header and payload; 0 if moving one costs next to nothing, and [`LONG`] if none
    /// would fit.
    each: u16,
    /// How many bytes of the one under way are still to come; more than this counts as this.
    ahead: u16,
    /// 0 unless reads for the cache are wanted. Then 1, and one more for each read that has ended where a
    /// frame ends, up to [`SURE`]; above that, one more for each such read of the burst under way.
    reads: u8,
    /// Are long messages taken away rather than lent?
    pub(super) taken: bool,
}

impl Stride {
    /// Frames of `each` bytes, of the first of which `due` are still to come.
    pub(super) fn cut_off(&mut self, each: usize, due: usize) {
        self.each = u16::try_from(each).unwrap_or(LONG);
        self.ahead = u16::try_from(due).unwrap_or(u16::MAX);
        self.reads = 0;
    }

    /// The length of what a read for the cache takes in, if it is known well enough.
    #[inline]
    fn hot(&self) -> Option<usize> {
        let each = usize::from(self.each);
        if self.reads < SURE || matches!(self.each, 0 | LONG) {
            return None;
        }
        // HOT / each, where a division takes longer than the rest.
        let fit = |n: usize| usize::from(n * each <= HOT);
        Some(each * (1 + fit(2) + fit(3) + fit(4)))
    }

    /// The size of the storage that what comes would leave in, if that is one message and it is taken away.
    #[inline]
    pub(super) fn fitting(&self) -> Option<usize> {
        let single = self.taken && usize::from(self.each) > HOT / 2;
        if single { self.hot() } else { None }
    }

    /// Reads for the cache are wanted.
    #[inline]
    pub(super) fn want_hot(&mut self) {
        if self.reads == 0 {
            self.reads = 1;
        }
    }

    /// [`most`](Self::most) for the cache.
    #[inline]
    pub(super) fn most_hot(&self, held: usize, room: usize) -> usize {
        let hot = self.hot().map(|hot| usize::from(self.ahead) + hot);
        match hot.and_then(|hot| hot.checked_sub(held)) {
            Some(hot) if hot > 0 && hot <= room => hot,
            _ => self.most(held, room),
        }
    }

    /// Is more to be expected that belongs to what was read last?
    #[inline]
    pub(super) fn in_burst(&self) -> bool {
        self.reads > SURE
    }

    /// How much to read where there is room for `room` bytes behind `held`. Never 0, if that isn't.
    pub(super) fn most(&self, held: usize, room: usize) -> usize {
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
    #[inline]
    pub(super) fn read(&mut self, n: usize) {
        let ahead = usize::from(self.ahead).saturating_sub(n);
        self.ahead = u16::try_from(ahead).unwrap_or(0);
    }

    /// Before [`read`](Self::read), where that was behind `held` with room for `room`: counts the reads that
    /// took in as much as they were let.
    #[inline]
    pub(super) fn count(&mut self, n: usize, held: usize, room: usize) {
        if self.each == 0 || self.reads == 0 || n == 0 {
            return;
        }
        if self.reads < SURE {
            self.reads += u8::from(n == self.most(held, room));
            return;
        }
        let so_far = usize::from(self.reads - SURE) + 1;
        let goes_on = n == self.most_hot(held, room) && (so_far + 1) * n <= BURST;
        self.reads = if goes_on { self.reads + 1 } else { SURE };
    }

    /// What came was of another length, though nothing was cut off.
    pub(super) fn doubt(&mut self) {
        self.reads = 0;
    }

    /// A read ended in a buffer of `size` bytes: a short one was enough if they are longer than that.
    pub(super) fn end_here(&mut self, size: usize) {
        if self.each == LONG || usize::from(self.each) > size {
            (self.each, self.reads) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_read_ends_where_a_frame_like_the_last_one_ends() {
        let stride = of(16_392, 32);
        assert_eq!(stride.most(0, 65_536), 32 + 3 * 16_392);
        let (mut read, size) = (stride.clone(), 65_536);
        read.read(20);
        read.end_here(size);
        assert_eq!(read.most(0, size), 12 + 3 * 16_392, "some of it came");
        read.read(12);
        assert_eq!(read.most(0, size), 3 * 16_392);
        assert_eq!(read.most(5, size - 5), 3 * 16_392 - 5, "5 are there");
    }

    #[test]
    fn where_none_is_cut_off_a_read_takes_in_all_it_can() {
        for stride in [Stride::default(), of(0, 100)] {
            assert_eq!(stride.most(0, 65_536), 65_536);
            assert_eq!(stride.most(100, 65_436), 65_436);
        }
    }

    #[test]
    fn what_does_not_fit_is_read_up_to_its_beginning_once() {
        let mut stride = of(1 << 20, 500);
        assert_eq!(stride.most(0, 65_536), 500 + SHORT_READ);
        stride.read(500);
        assert_eq!(stride.most(0, 65_536), SHORT_READ);
        stride.read(100);
        stride.end_here(65_536);
        assert_eq!(stride.most(100, 65_436), 65_436);
    }

    /// Reads all that is let, behind nothing, and says how much that was.
    fn read_all(stride: &mut Stride, size: usize) -> usize {
        stride.want_hot();
        let n = stride.most_hot(0, size);
        stride.count(n, 0, size);
        stride.read(n);
        n
    }

    #[test]
    fn once_that_was_right_reads_are_as_long_as_stays_in_the_cache() {
        for (each, hot) in [
            (16_392, 1),
            (60_000, 1),
            (10_240, 2),
            (6_000, 3),
            (4_200, 4),
        ] {
            let (mut stride, size) = (of(each, 0), 65_536);
            let all = size / each * each;
            let reads = [(); 5].map(|()| read_all(&mut stride, size));
            assert_eq!(reads, [all, all, hot * each, hot * each, hot * each]);
            stride.cut_off(each, 0);
            assert_eq!(read_all(&mut stride, size), all, "it was not right");
        }
    }

    #[test]
    fn a_burst_lasts_until_it_has_brought_what_one_read_could_have() {
        let (mut stride, size) = (of(16_392, 0), 65_536);
        let mut bursts = || {
            read_all(&mut stride, size);
            stride.in_burst()
        };
        assert_eq!([(); 2].map(|()| bursts()), [false; 2], "long reads");
        let third = [true, true, false];
        assert_eq!([(); 6].map(|()| bursts()), [third, third].concat()[..]);
        bursts();
        assert!(stride.in_burst());
        stride.count(100, 0, size);
        assert!(!stride.in_burst(), "there was no more");
    }

    #[test]
    fn who_does_not_ask_for_short_reads_gets_none() {
        let (mut stride, size) = (of(16_392, 0), 65_536);
        for _ in 0..5 {
            let n = stride.most(0, size);
            stride.count(n, 0, size);
            stride.read(n);
        }
        assert_eq!((stride.hot(), stride.in_burst()), (None, false));
        stride.taken = true;
        assert_eq!(stride.fitting(), None);
    }

    #[test]
    fn storage_of_their_own_is_for_messages_that_are_taken_away() {
        let mut stride = of(16_392, 0);
        for taken in [false, true] {
            stride.taken = taken;
            for _ in 0..3 {
                read_all(&mut stride, 65_536);
            }
            assert_eq!(stride.fitting(), taken.then_some(16_392));
        }
        assert_eq!(read_all(&mut stride, 16_392), 16_392);
        stride.end_here(16_000);
        assert_eq!(stride.fitting(), None, "it does not fit");
    }

    fn of(each: usize, due: usize) -> Stride {
        let mut stride = Stride::default();
        stride.cut_off(each, due);
        stride
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
            let mut stride = of(each, due);
            stride.want_hot();
            for n in reads {
                stride.count(n, held, room);
                stride.read(n);
            }
            for most in [stride.most(held, room), stride.most_hot(held, room)] {
                prop_assert!(most > 0 && most <= room, "{most}");
            }
        }

        #[test]
        fn frames_of_one_length_are_cut_off_once(
            each in 4200..60_000_usize,
            first in 0..60_000_usize,
            cuts in prop::collection::vec(1..65_536_usize, 1..20),
        ) {
            // `first` bytes of the frame are there; then reads take in what they are let, or less.
            let (size, first) = (65_536, first % each);
            let mut stride = of(each, each - first);
            let mut at = first;
            for cut in cuts {
                stride.want_hot();
                let most = stride.most_hot(0, size);
                prop_assert_eq!((at + most) % each, 0, "as many as fit");
                // What comes is cut off anew, and the decoder says so.
                at += most.min(cut);
                stride.count(most.min(cut), 0, size);
                stride.read(most.min(cut));
                stride.end_here(size);
                if at % each > 0 {
                    stride = of(each, each - at % each);
                }
            }
        }
    }
}
