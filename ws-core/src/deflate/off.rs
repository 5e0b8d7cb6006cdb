//! What stands in for compression in a build without it: types that nothing has a value of, so that
//! whoever would use them needs no second version and costs nothing.
#![allow(
    clippy::needless_pass_by_ref_mut,
    reason = "the signatures are those of the real types"
)]

use crate::error::ProtocolError;

/// Nobody asks for anything else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Compress {
    Auto,
}

#[derive(Debug)]
pub(crate) enum Compressor {}

pub(crate) enum Packed {}

#[derive(Debug)]
pub(crate) enum Inflater {}

impl Compressor {
    pub(crate) fn pack(&mut self, _payload: &[u8], _compress: Compress) -> Option<Packed> {
        match *self {}
    }

    pub(crate) fn apart(&self, _len: usize, _compress: Compress) -> Option<u8> {
        match *self {}
    }

    pub(crate) fn forget(&mut self) {
        match *self {}
    }

    pub(crate) fn begin(&mut self, _compress: Compress) -> bool {
        match *self {}
    }

    pub(crate) fn piece(&mut self, _payload: &[u8], _last: bool) -> &[u8] {
        match *self {}
    }

    pub(crate) fn end(&mut self) {
        match *self {}
    }

    pub(crate) fn abandon(&mut self) {
        match *self {}
    }
}

impl Packed {
    pub(crate) fn bytes(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) fn into_vec(self) -> alloc::vec::Vec<u8> {
        match self {}
    }

    pub(crate) fn give_back(self) {
        match self {}
    }
}

impl Inflater {
    pub(crate) fn inflate(
        &mut self,
        _input: &[u8],
        _room: usize,
    ) -> Result<(usize, &[u8]), ProtocolError> {
        match *self {}
    }

    pub(crate) fn made(&self, _len: usize) -> &[u8] {
        match *self {}
    }

    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(crate) fn abandon(&mut self) {
        match *self {}
    }
}
