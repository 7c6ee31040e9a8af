enum promptprint_status
 {
  PROMPTPRINT_OK = 0,
  PROMPTPRINT_DEGRADED = 1,
  PROMPTPRINT_INVALID_ARGUMENT = 10,
  PROMPTPRINT_NULL_POINTER = 11,
  PROMPTPRINT_LIMIT_EXCEEDED = 12,
  PROMPTPRINT_STRUCT_SIZE = 13,
  PROMPTPRINT_IO = 20,
  PROMPTPRINT_LOCKED = 21,
  PROMPTPRINT_POISONED = 22,
  PROMPTPRINT_WRONG_PROCESS = 23,
  PROMPTPRINT_BUSY = 24,
  PROMPTPRINT_CORRUPT = 30,
  PROMPTPRINT_INCOMPATIBLE_FORMAT = 31,
  PROMPTPRINT_SPEC_MISMATCH = 32,
  PROMPTPRINT_KEY = 33,
  PROMPTPRINT_UNREADABLE_REQUEST = 40,
  PROMPTPRINT_NOT_FOUND = 41,
  PROMPTPRINT_INTERNAL = 90,
};

enum promptprint_flag
 {
  PROMPTPRINT_HAS_FINGERPRINT = 1,
  PROMPTPRINT_HAS_NEAREST = 2,
  PROMPTPRINT_IS_EXACT = 4,
  PROMPTPRINT_HAS_TIMES = 8,
  PROMPTPRINT_HAS_FAMILY = 16,
  PROMPTPRINT_HAS_CAMPAIGN = 32,
  PROMPTPRINT_IS_TRUNCATED = 64,
  PROMPTPRINT_IS_DEGRADED = 128,
  PROMPTPRINT_IS_RECENT = 256,
};

enum promptprint_advice
 {
  PROMPTPRINT_ALLOW = 0,
  PROMPTPRINT_STEP_UP = 1,
  PROMPTPRINT_REVIEW = 2,
};

enum promptprint_depth
 {
  PROMPTPRINT_FULL = 0,
  PROMPTPRINT_NEAR = 1,
  PROMPTPRINT_FINGERPRINT = 2,
  PROMPTPRINT_SKIPPED = 3,
};

typedef struct promptprint_reader promptprint_reader;

typedef struct promptprint_options {
  uint32_t struct_size;
  uint32_t copy;
  const char *store;
  size_t store_bytes;
  const char *key;
  size_t key_bytes;
  double resemblance_min;
  uint64_t refresh_ms;
} promptprint_options;

typedef struct promptprint_query_options {
  uint32_t struct_size;
  uint32_t deadline_us;
} promptprint_query_options;

typedef struct promptprint_verdict {
  uint32_t struct_size;
  uint32_t flags;
  uint8_t fingerprint[16];
  uint64_t nearest;
  double resemblance;
  uint64_t requests_seen;
  uint64_t accounts_seen;
  int64_t first_ms;
  int64_t last_ms;
  uint64_t family;
  uint64_t family_requests;
  uint64_t family_accounts;
  uint64_t family_principals;
  uint64_t campaign;
  uint32_t advice;
  uint32_t depth;
} promptprint_verdict;

uint32_t promptprint_abi_version(void);

const char *promptprint_version(void);

const char *promptprint_status_text(int32_t status);

promptprint_status promptprint_open(const struct promptprint_options *options,
                                    struct promptprint_reader **out);

void promptprint_close(struct promptprint_reader *reader);

promptprint_status promptprint_refresh(const struct promptprint_reader *reader);

size_t promptprint_last_error(const struct promptprint_reader *reader, char *out, size_t capacity);

promptprint_status promptprint_query(const struct promptprint_reader *reader,
                                     const void *text,
                                     size_t text_bytes,
                                     const struct promptprint_query_options *options,
                                     struct promptprint_verdict *out);

promptprint_status promptprint_request_id(const struct promptprint_reader *reader,
                                          uint64_t nearest,
                                          char *out,
                                          size_t capacity,
                                          size_t *out_bytes);

uint32_t promptprint_abi_version(void);

const char *promptprint_version(void);

const char *promptprint_status_text(int32_t status);

promptprint_status promptprint_open(const struct promptprint_options *options,
                                    struct promptprint_reader **out);

void promptprint_close(struct promptprint_reader *reader);

promptprint_status promptprint_refresh(const struct promptprint_reader *reader);

size_t promptprint_last_error(const struct promptprint_reader *reader, char *out, size_t capacity);

promptprint_status promptprint_query(const struct promptprint_reader *reader,
                                     const void *text,
                                     size_t text_bytes,
                                     const struct promptprint_query_options *options,
                                     struct promptprint_verdict *out);

promptprint_status promptprint_request_id(const struct promptprint_reader *reader,
                                          uint64_t nearest,
                                          char *out,
                                          size_t capacity,
                                          size_t *out_bytes);
