"""promptprint for Python: asks what a prompt is an instance of and who else sends it, and records it.

    import promptprint
    reader = promptprint.Reader("prompts.store")
    verdict = reader.query("Solve the following problem ...")
    writer = promptprint.Writer(reader)                    # one for a process, opened after any fork
    verdict = writer.observe(request_body_bytes, account="acme", id="r1")

Through the C ABI in cffi's ABI mode: no compiler, and the interpreter's lock is released during a call. Whatever is wrong with
a store, a query answers: unknown is an answer, and `Verdict.degraded` says so.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import cffi

__all__ = ["Reader", "Writer", "Verdict", "Error", "library_path"]

_HAS_FINGERPRINT, _HAS_NEAREST, _IS_EXACT, _HAS_TIMES, _HAS_FAMILY, _HAS_CAMPAIGN, _IS_TRUNCATED, _IS_DEGRADED, _IS_RECENT = (
    1 << bit for bit in range(9)
)
_ADVICE = ("allow", "step_up", "review")
_DEPTH = ("full", "near", "fingerprint", "skipped")
_NAMES = ("id", "end_user", "key", "account", "org", "payer", "ip", "user_agent", "model", "asn", "payment")
_DURABILITY = {"buffered": 0, "group": 1, "synced": 2}

_here = Path(__file__).parent
_ffi = cffi.FFI()
_header = next(path for path in (_here / "promptprint_ffi.h", _here / "../../include/promptprint_ffi.h") if path.exists())
_ffi.cdef(_header.read_text())
_lib = None


class Error(Exception):
    """A call that was refused; `status` is the code of the C ABI."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def library_path():
    """The shared library: PROMPTPRINT_LIBRARY, else the one that was installed beside this file, else the system's."""
    named = os.environ.get("PROMPTPRINT_LIBRARY")
    beside = _here / "libpromptprint.so"
    return named or (str(beside) if beside.exists() else "libpromptprint.so.0")


def _load(path=None):
    global _lib
    if _lib is None:
        _lib = _ffi.dlopen(path or library_path())
    return _lib


@dataclass(frozen=True)
class Verdict:
    """What is known of one prompt; see promptprint.h for each field."""

    fingerprint: Optional[str]
    resemblance: Optional[float]
    exact: bool
    requests_seen: int
    accounts_seen: int
    first_ms: Optional[int]
    last_ms: Optional[int]
    family: Optional[str]
    family_requests: int
    family_accounts: int
    family_principals: int
    campaign: Optional[str]
    advice: str
    depth: str
    truncated: bool
    degraded: bool
    recorded: bool
    nearest: int


def _verdict(raw, recorded=True):
    has = raw.flags.__and__
    return Verdict(
        fingerprint=bytes(raw.fingerprint).hex() if has(_HAS_FINGERPRINT) else None,
        resemblance=raw.resemblance if has(_HAS_NEAREST) else None,
        exact=bool(has(_IS_EXACT)),
        requests_seen=raw.requests_seen,
        accounts_seen=raw.accounts_seen,
        first_ms=raw.first_ms if has(_HAS_TIMES) else None,
        last_ms=raw.last_ms if has(_HAS_TIMES) else None,
        family=f"{raw.family:016x}" if has(_HAS_FAMILY) else None,
        family_requests=raw.family_requests,
        family_accounts=raw.family_accounts,
        family_principals=raw.family_principals,
        campaign=f"{raw.campaign:016x}" if has(_HAS_CAMPAIGN) else None,
        advice=_ADVICE[raw.advice] if raw.advice < len(_ADVICE) else "allow",
        depth=_DEPTH[raw.depth] if raw.depth < len(_DEPTH) else "full",
        truncated=bool(has(_IS_TRUNCATED)),
        degraded=bool(has(_IS_DEGRADED)),
        recorded=recorded,
        nearest=raw.nearest,
    )


def _struct(name):
    made = _ffi.new(f"struct {name} *")
    made.struct_size = _ffi.sizeof(f"struct {name}")
    return made


def _options(deadline_us):
    if not deadline_us:
        return _ffi.NULL
    options = _struct("promptprint_query_options")
    options.deadline_us = deadline_us
    return options


class Reader:
    """A store opened for questions; threads may share it, and it may be opened before a fork."""

    def __init__(self, store, key=None, resemblance_min=0.0, refresh_ms=0, library=None):
        lib = _load(library)
        options = _struct("promptprint_options")
        kept = [_ffi.from_buffer(os.fsencode(store))]
        options.store, options.store_bytes = kept[0], len(kept[0])
        if key is not None:
            kept.append(_ffi.from_buffer(os.fsencode(key)))
            options.key, options.key_bytes = kept[1], len(kept[1])
        options.resemblance_min, options.refresh_ms = resemblance_min, refresh_ms
        out = _ffi.new("struct promptprint_reader **")
        status = lib.promptprint_open(options, out)
        if status > 1:
            raise Error(status, _ffi.string(lib.promptprint_status_text(status)).decode())
        self._handle = _ffi.gc(out[0], lib.promptprint_close)

    def last_error(self):
        room = _ffi.new("char[]", 1024)
        _lib.promptprint_last_error(self._handle, room, 1024)
        return _ffi.string(room).decode(errors="replace")

    def refresh(self):
        """Looks for new segments; returns whether all can be read."""
        return _lib.promptprint_refresh(self._handle) == 0

    def query(self, text, deadline_us=0):
        """Looks one prompt up."""
        data = text.encode(errors="replace") if isinstance(text, str) else text
        verdict = _struct("promptprint_verdict")
        status = _lib.promptprint_query(self._handle, data, len(data), _options(deadline_us), verdict)
        if status > 1:
            raise Error(status, self.last_error())
        return _verdict(verdict)

    def request_id(self, verdict):
        """The id of the request behind `verdict.nearest`, or None."""
        room = _ffi.new("char[]", 2048)
        if _lib.promptprint_request_id(self._handle, verdict.nearest, room, 2048, _ffi.NULL) != 0:
            return None
        return _ffi.string(room).decode(errors="replace")


class Writer:
    """The recorder of one process; threads share it. Open it after any fork."""

    def __init__(self, reader, durability="group", delay_ms=0, wal_bytes_max=0):
        self.reader = reader
        options = _struct("promptprint_writer_options")
        options.durability = _DURABILITY[durability]
        options.delay_ms, options.wal_bytes_max = delay_ms, wal_bytes_max
        out = _ffi.new("struct promptprint_writer **")
        status = _lib.promptprint_writer_open(reader._handle, options, out)
        if status != 0:
            raise Error(status, reader.last_error())
        self._handle = _ffi.gc(out[0], _lib.promptprint_writer_close)

    def last_error(self):
        room = _ffi.new("char[]", 1024)
        _lib.promptprint_writer_last_error(self._handle, room, 1024)
        return _ffi.string(room).decode(errors="replace")

    def observe(self, body, deadline_us=0, time_ms=0, **names):
        """Looks a request up and records it. `body` is the JSON of the request (bytes, or an iterable of chunks)."""
        request_out = _ffi.new("struct promptprint_request **")
        status = _lib.promptprint_request_begin(self.reader._handle, request_out)
        if status != 0:
            raise Error(status, self.reader.last_error())
        request = request_out[0]
        for chunk in (body,) if isinstance(body, (bytes, bytearray, memoryview)) else body:
            data = _ffi.from_buffer(chunk)
            _lib.promptprint_request_update(request, data, len(data))
        envelope = _struct("promptprint_envelope")
        envelope.time_ms = time_ms
        kept = []
        for name, value in names.items():
            if name not in _NAMES:
                raise TypeError(f"no such name: {name}")
            if value:
                kept.append(_ffi.from_buffer(str(value).encode(errors="replace")))
                setattr(envelope, name, kept[-1])
                setattr(envelope, name + "_bytes", len(kept[-1]))
        verdict = _struct("promptprint_verdict")
        status = _lib.promptprint_request_end(request, self._handle, envelope, _options(deadline_us), verdict)
        if status > 1:
            raise Error(status, self.reader.last_error())
        return _verdict(verdict, recorded=status == 0)

    def commit(self):
        """Returns when everything observed before is on the disk."""
        status = _lib.promptprint_writer_commit(self._handle)
        if status != 0:
            raise Error(status, self.last_error())
