-- promptprint for nginx, OpenResty, Kong and APISIX: asks per request what a prompt is, and records it.
--
--     init_by_lua_block        { pp = require("promptprint").open{ store = "/var/lib/prompts.store" } }
--     init_worker_by_lua_block { pp:start_worker() }
--     access_by_lua_block      { local verdict = pp:observe{ account = ngx.var.http_x_account } }
--
-- The store is opened before nginx forks; each worker records in a log of its own. Whatever is wrong, the request proceeds.

local ffi = require("ffi")

local M = {}
M.__index = M

local function read_file(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read("*a")
    file:close()
    return text
end

-- Where the header lies: beside this file, or where the caller says.
local function header(path)
    local here = debug.getinfo(1, "S").source:match("^@(.*)[/\\][^/\\]*$") or "."
    for _, candidate in ipairs{ path or "", here .. "/promptprint_ffi.h", here .. "/../include/promptprint_ffi.h" } do
        local text = candidate ~= "" and read_file(candidate)
        if text then return text end
    end
    error("promptprint_ffi.h not found; give its path as header")
end

local FLAG = { nearest = 2, exact = 4, times = 8, family = 16, campaign = 32, truncated = 64, degraded = 128, recent = 256 }
local ADVICE = { [0] = "allow", "step_up", "review" }
local DEPTH = { [0] = "full", "near", "fingerprint", "skipped" }
local NAMES = { "id", "end_user", "key", "account", "org", "payer", "ip", "user_agent", "model", "asn", "payment" }
local LENGTHS = {}
for i, name in ipairs(NAMES) do LENGTHS[i] = name .. "_bytes" end
local CHUNK = 65536

-- 16 bytes in hex, four at a time: LuaJIT compiles bit operations, and not the formatting of strings.
local function hex(bytes)
    local words = {}
    for i = 0, 3 do
        local at = 4 * i
        words[i + 1] = bit.tohex(bit.bor(
            bit.lshift(bytes[at], 24), bit.lshift(bytes[at + 1], 16), bit.lshift(bytes[at + 2], 8), bytes[at + 3]))
    end
    return table.concat(words)
end

local function has(verdict, name) return bit.band(verdict.flags, FLAG[name]) ~= 0 end

-- Opens a store. options: store (required), key, library, header, refresh_ms, resemblance_min, deadline_us,
-- durability ("buffered", "group", "synced"), writer = false for lookups alone.
function M.open(options)
    if not M.declared then
        ffi.cdef(header(options.header))
        M.declared = true
    end
    local lib = ffi.load(options.library or "promptprint")
    local given = ffi.new("promptprint_options")
    given.struct_size = ffi.sizeof(given)
    given.store, given.store_bytes = options.store, #options.store
    if options.key then given.key, given.key_bytes = options.key, #options.key end
    given.refresh_ms = options.refresh_ms or 0
    given.resemblance_min = options.resemblance_min or 0
    local out = ffi.new("promptprint_reader *[1]")
    local status = lib.promptprint_open(given, out)
    if status > 1 then error(ffi.string(lib.promptprint_status_text(status))) end
    local self = setmetatable({ lib = lib, reader = ffi.gc(out[0], lib.promptprint_close), options = options }, M)
    self.verdict = ffi.new("promptprint_verdict")
    self.envelope = ffi.new("promptprint_envelope")
    self.query = ffi.new("promptprint_query_options")
    self.query.struct_size = ffi.sizeof(self.query)
    self.query.deadline_us = options.deadline_us or 0
    self.request_out = ffi.new("promptprint_request *[1]")
    return self
end

-- The text of the last failure.
function M:last_error()
    local room = ffi.new("char[512]")
    self.lib.promptprint_last_error(self.reader, room, 512)
    return ffi.string(room)
end

-- Begins recording in this worker; a timer hands it over each second, and commits it where the durability is group.
function M:start_worker()
    if self.options.writer == false then return end
    local durability = { buffered = 0, group = 1, synced = 2 }
    local given = ffi.new("promptprint_writer_options")
    given.struct_size = ffi.sizeof(given)
    given.durability = durability[self.options.durability or "group"]
    local out = ffi.new("promptprint_writer *[1]")
    local status = self.lib.promptprint_writer_open(self.reader, given, out)
    if status ~= 0 then
        ngx.log(ngx.WARN, "promptprint: not recording: ", self:last_error())
        return
    end
    self.writer = ffi.gc(out[0], self.lib.promptprint_writer_close)
    -- A sync holds this worker's event loop for as long as the disk takes, so who asked for less than group gets none.
    local hand_over = given.durability == 0 and self.lib.promptprint_writer_flush or self.lib.promptprint_writer_commit
    ngx.timer.every(1, function(premature)
        if not premature then hand_over(self.writer) end
    end)
end

local function told(self)
    local v = self.verdict
    return {
        fingerprint = bit.band(v.flags, 1) ~= 0 and hex(v.fingerprint) or nil,
        resemblance = has(v, "nearest") and v.resemblance or nil,
        exact = has(v, "exact"),
        requests_seen = tonumber(v.requests_seen),
        accounts_seen = tonumber(v.accounts_seen),
        first_ms = has(v, "times") and tonumber(v.first_ms) or nil,
        last_ms = has(v, "times") and tonumber(v.last_ms) or nil,
        family = has(v, "family") and bit.tohex(v.family, 16) or nil,
        family_accounts = tonumber(v.family_accounts),
        campaign = has(v, "campaign") and bit.tohex(v.campaign, 16) or nil,
        advice = ADVICE[v.advice] or "allow",
        depth = DEPTH[v.depth],
        truncated = has(v, "truncated"),
        degraded = has(v, "degraded"),
    }
end

local function feed_file(self, request, path)
    local file = io.open(path, "rb")
    if not file then return end
    repeat
        local chunk = file:read(CHUNK)
        if chunk then self.lib.promptprint_request_update(request, chunk, #chunk) end
    until not chunk
    file:close()
end

-- Looks the current request up and records it. names: who sent it (id, end_user, key, account, org, payer, ip, user_agent,
-- model, asn, payment). Returns a table, or nil and a reason; the request proceeds either way.
function M:observe(names)
    local lib = self.lib
    ngx.req.read_body()
    local body, path = ngx.req.get_body_data(), nil
    if not body then path = ngx.req.get_body_file() end
    if not body and not path then return nil, "no body" end
    if lib.promptprint_request_begin(self.reader, self.request_out) ~= 0 then return nil, self:last_error() end
    local request = self.request_out[0]
    if body then lib.promptprint_request_update(request, body, #body) else feed_file(self, request, path) end
    local envelope = self.envelope
    ffi.fill(envelope, ffi.sizeof(envelope))
    envelope.struct_size = ffi.sizeof(envelope)
    envelope.time_ms = math.floor(ngx.req.start_time() * 1000)
    names.ip = names.ip or ngx.var.remote_addr
    names.user_agent = names.user_agent or ngx.var.http_user_agent
    for i, name in ipairs(NAMES) do
        local text = names[name]
        if text then envelope[name], envelope[LENGTHS[i]] = text, #text end
    end
    self.verdict.struct_size = ffi.sizeof(self.verdict)
    local status = lib.promptprint_request_end(request, self.writer, envelope, self.query, self.verdict)
    if status > 1 then return nil, ffi.string(lib.promptprint_status_text(status)) end
    return told(self)
end

return M
