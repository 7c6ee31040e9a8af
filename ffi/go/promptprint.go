// Package promptprint asks what a prompt is an instance of and who else sends it, and records it, through the C ABI.
//
//	reader, err := promptprint.Open(promptprint.Options{Store: "prompts.store"})
//	verdict, err := reader.Query([]byte("Solve the following problem ..."))
//
// Build with CGO_CFLAGS=-I.../include and CGO_LDFLAGS=-L.../lib, or with pkg-config's answer for promptprint. A Reader and a
// Writer may be used by any number of goroutines. Whatever is wrong with a store, a query answers: unknown is an answer, and
// Verdict.Degraded says so.
package promptprint

/*
#cgo LDFLAGS: -lpromptprint
#include <stdlib.h>
#include <string.h>
#include "promptprint.h"

// Go passes no pointers to Go memory inside C structs: these take them as arguments.
static promptprint_status pp_open(const char *store, size_t store_bytes, const char *key, size_t key_bytes, double least, uint64_t refresh_ms, promptprint_reader **out)
{
    promptprint_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.store = store;
    options.store_bytes = store_bytes;
    options.key = key_bytes ? key : NULL;
    options.key_bytes = key_bytes;
    options.resemblance_min = least;
    options.refresh_ms = refresh_ms;
    return promptprint_open(&options, out);
}

static promptprint_status pp_query(const promptprint_reader *reader, const void *text, size_t bytes, uint32_t deadline_us, promptprint_verdict *out)
{
    promptprint_query_options options = { sizeof options, deadline_us };
    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    return promptprint_query(reader, text, bytes, &options, out);
}

static promptprint_status pp_writer_open(const promptprint_reader *reader, uint32_t durability, promptprint_writer **out)
{
    promptprint_writer_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.durability = durability;
    return promptprint_writer_open(reader, &options, out);
}

static promptprint_status pp_observe(const promptprint_reader *reader, const promptprint_writer *writer, const void *body, size_t bytes, const char *id, size_t id_bytes, const char *account, size_t account_bytes, uint32_t deadline_us, promptprint_verdict *out)
{
    promptprint_query_options options = { sizeof options, deadline_us };
    promptprint_envelope envelope;
    promptprint_request *request;
    promptprint_status status = promptprint_request_begin(reader, &request);
    if (status != PROMPTPRINT_OK)
        return status;
    promptprint_request_update(request, body, bytes);
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = (uint32_t)sizeof envelope;
    envelope.id = id;
    envelope.id_bytes = id_bytes;
    envelope.account = account;
    envelope.account_bytes = account_bytes;
    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    return promptprint_request_end(request, writer, &envelope, &options, out);
}
*/
import "C"

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"unsafe"
)

// Options say how a store is opened; zero is a good value for everything but Store.
type Options struct {
	Store          string
	Key            string
	ResemblanceMin float64
	RefreshMs      uint64
}

// Durability says when an observation counts as recorded; see promptprint.h.
type Durability uint32

// The durabilities.
const (
	Buffered Durability = 0
	Group    Durability = 1
	Synced   Durability = 2
)

// Verdict is what is known of one prompt; see promptprint.h for each field.
type Verdict struct {
	Fingerprint  string
	Near         bool
	Exact        bool
	Resemblance  float64
	RequestsSeen uint64
	AccountsSeen uint64
	FirstMs      int64
	LastMs       int64
	Family       string
	Campaign     string
	Advice       string
	Truncated    bool
	Degraded     bool
	Recorded     bool
}

// Reader is a store opened for questions.
type Reader struct{ handle *C.promptprint_reader }

// Writer is the recorder of this process.
type Writer struct {
	reader *Reader
	handle *C.promptprint_writer
}

func failed(status C.promptprint_status) error {
	return fmt.Errorf("promptprint: %s", C.GoString(C.promptprint_status_text(C.int32_t(status))))
}

func chars(text string) (*C.char, C.size_t) {
	if text == "" {
		return nil, 0
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text))
}

func bytes(data []byte) (unsafe.Pointer, C.size_t) {
	return unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data))
}

// Open opens a store; a missing one is no error.
func Open(options Options) (*Reader, error) {
	var out *C.promptprint_reader
	store, storeBytes := chars(options.Store)
	key, keyBytes := chars(options.Key)
	status := C.pp_open(store, storeBytes, key, keyBytes, C.double(options.ResemblanceMin), C.uint64_t(options.RefreshMs), &out)
	if status > C.PROMPTPRINT_DEGRADED {
		return nil, failed(status)
	}
	reader := &Reader{out}
	runtime.SetFinalizer(reader, func(reader *Reader) { C.promptprint_close(reader.handle) })
	return reader, nil
}

// Query looks one prompt up.
func (reader *Reader) Query(text []byte) (Verdict, error) {
	var out C.promptprint_verdict
	data, count := bytes(text)
	status := C.pp_query(reader.handle, data, count, 0, &out)
	runtime.KeepAlive(reader)
	if status > C.PROMPTPRINT_DEGRADED {
		return Verdict{}, failed(status)
	}
	return verdict(&out, false), nil
}

// NewWriter opens the recorder of this process.
func (reader *Reader) NewWriter(durability Durability) (*Writer, error) {
	var out *C.promptprint_writer
	if status := C.pp_writer_open(reader.handle, C.uint32_t(durability), &out); status != C.PROMPTPRINT_OK {
		return nil, failed(status)
	}
	return &Writer{reader, out}, nil
}

// Observe looks a request up and records it; body is its JSON.
func (writer *Writer) Observe(body []byte, id, account string) (Verdict, error) {
	var out C.promptprint_verdict
	data, count := bytes(body)
	idChars, idBytes := chars(id)
	accountChars, accountBytes := chars(account)
	status := C.pp_observe(writer.reader.handle, writer.handle, data, count, idChars, idBytes, accountChars, accountBytes, 0, &out)
	runtime.KeepAlive(writer)
	if status > C.PROMPTPRINT_DEGRADED {
		return Verdict{}, failed(status)
	}
	return verdict(&out, status == C.PROMPTPRINT_OK), nil
}

// Commit returns when everything observed before is on the disk.
func (writer *Writer) Commit() error {
	if status := C.promptprint_writer_commit(writer.handle); status != C.PROMPTPRINT_OK {
		return failed(status)
	}
	return nil
}

// Close hands over what the writer holds and closes it.
func (writer *Writer) Close() {
	C.promptprint_writer_close(writer.handle)
	writer.handle = nil
}

func verdict(raw *C.promptprint_verdict, recorded bool) Verdict {
	has := func(flag C.uint32_t) bool { return raw.flags&flag != 0 }
	told := Verdict{
		Near:         has(C.PROMPTPRINT_HAS_NEAREST),
		Exact:        has(C.PROMPTPRINT_IS_EXACT),
		Resemblance:  float64(raw.resemblance),
		RequestsSeen: uint64(raw.requests_seen),
		AccountsSeen: uint64(raw.accounts_seen),
		FirstMs:      int64(raw.first_ms),
		LastMs:       int64(raw.last_ms),
		Advice:       "allow",
		Truncated:    has(C.PROMPTPRINT_IS_TRUNCATED),
		Degraded:     has(C.PROMPTPRINT_IS_DEGRADED),
		Recorded:     recorded,
	}
	if has(C.PROMPTPRINT_HAS_FINGERPRINT) {
		told.Fingerprint = hex.EncodeToString(C.GoBytes(unsafe.Pointer(&raw.fingerprint[0]), 16))
	}
	if has(C.PROMPTPRINT_HAS_FAMILY) {
		told.Family = fmt.Sprintf("%016x", uint64(raw.family))
	}
	if has(C.PROMPTPRINT_HAS_CAMPAIGN) {
		told.Campaign = fmt.Sprintf("%016x", uint64(raw.campaign))
	}
	switch raw.advice {
	case C.PROMPTPRINT_STEP_UP:
		told.Advice = "step_up"
	case C.PROMPTPRINT_REVIEW:
		told.Advice = "review"
	}
	return told
}
