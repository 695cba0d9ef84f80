--- The page's server: answers one request after the other until a signal comes. What comes in over the network is judged by gate.lua, pictures are
-- looked at by look.lua; the sockets are core/serve's.
--
--   local s = server.open(subject, { port = 0 })    nil and a message; subject: of look.lua and page.lua
--   s.address                                       with its token
--   s:run(out)                                      until a signal comes; a line for each picture
--   s:close()
local ffi = require "ramus.base.ffi"
local gate = require "ramus.serve.gate"
local json = require "ramus.base.json"
local look = require "ramus.serve.look"
local page = require "ramus.serve.page"
local C = ffi.C

local server = {}
local Server = {}
Server.__index = Server

-- Connections at a time, seconds for the head of a request and for the rest, bodies that are taken at a time.
local LIMITS = { connections = 16, head_seconds = 10, seconds = 60 }
local BODIES = 2

local STRICT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
local ALWAYS = { "X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: no-referrer", "X-Frame-Options: DENY",
  "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Resource-Policy: same-origin",
  "Permissions-Policy: camera=(), microphone=(), geolocation=()" }

local function text_of(pointer) return pointer ~= nil and ffi.string(pointer) or nil end

--- Sends an answer. kind: its media type; more: { policy = [opt], allow = [opt] }.
local function answer(self, request, status, kind, body, more)
  local lines = { "Content-Type: " .. kind, "Content-Security-Policy: " .. (more and more.policy or STRICT), unpack(ALWAYS) }
  if status == 405 then lines[#lines + 1] = "Allow: GET, POST" end
  if status == 503 then lines[#lines + 1] = "Retry-After: 5" end
  if C.ra_request_answer(self.core, request, status, table.concat(lines, "\n"), body, #body) ~= 0 then
    local why = ffi.message() -- an answer that is too large for the memory there is
    if C.ra_request_stage(self.core, request) ~= C.RA_REQUEST_NONE then
      C.ra_request_answer(self.core, request, 500, "Content-Type: text/plain; charset=utf-8", why, #why)
    end
  end
end

local function refuse(self, request, status, why) answer(self, request, status, "text/plain; charset=utf-8", why .. "\n") end

--- What is known of a request's head.
local function head_of(self, request)
  local function header(name) return text_of(C.ra_request_header(self.core, request, name)) end
  return { method = text_of(C.ra_request_method(self.core, request)), path = text_of(C.ra_request_path(self.core, request)), host = header "Host",
    origin = header "Origin", site = header "Sec-Fetch-Site", length = header "Content-Length", frame = header "Ramus-Frame" }
end

--- Bodies that are coming in. One whose time is over waits for its turn, or its connection is closed.
local function bodies(self)
  local count, now = 0, C.ra_clock()
  for request, one in pairs(self.accepted) do
    if now <= one.till then count = count + 1
    elseif C.ra_request_stage(self.core, request) == C.RA_REQUEST_NONE then self.accepted[request] = nil end
  end
  return count
end

--- A head has come: a page is answered, a picture let in, all else refused.
local function head(self, request)
  local h = head_of(self, request)
  local route, length, why = gate.judge(h, self)
  if not route then return refuse(self, request, length, why) end
  if route == "page" then return answer(self, request, 200, "text/html; charset=utf-8", self.page, { policy = self.policy }) end
  if bodies(self) >= BODIES then return refuse(self, request, 503, "other pictures are on their way; try again in a moment") end
  if C.ra_request_accept(self.core, request, length) ~= 0 then return refuse(self, request, 500, ffi.message()) end
  self.accepted[request] = { route = route, till = C.ra_clock() + LIMITS.seconds, frame = tonumber((h.frame or ""):match "^%d%d?%d?%d?%d?%d?$") }
end

--- A picture has come.
local function whole(self, request, out)
  local one, size = self.accepted[request] or {}, ffi.new "double[1]"
  self.accepted[request] = nil
  local body = C.ra_request_body(self.core, request, size)
  local result, facts
  if one.route == "example" then
    self.examples = self.examples + 1
    result, facts = look.example(self.subject, self.examples)
  else result, facts = look.at(self.subject, body ~= nil and ffi.string(body, size[0]) or "", one.frame) end
  if not result then
    facts = facts:gsub("^image: ", ""):gsub("^the picture: ", "") -- the page says which file it is
    out:line("refused a picture: " .. facts)
    return answer(self, request, 422, "application/json", json.encode { error = facts })
  end
  out:line(("%s of %dx%d pixels, %.0f milliseconds"):format(one.route == "example" and "a made-up picture" or "a picture", facts.width, facts.height,
    facts.milliseconds))
  answer(self, request, 200, "application/octet-stream", result)
end

--- Answers a request; a defect is answered too, and the server goes on.
local function handle(self, request, out)
  local stage = C.ra_request_stage(self.core, request)
  local ok, err = pcall(stage == C.RA_REQUEST_HEAD and head or whole, self, request, out)
  if ok then return end
  out:warn("a request failed: " .. tostring(err))
  if C.ra_request_stage(self.core, request) ~= C.RA_REQUEST_NONE then
    answer(self, request, 500, "application/json", json.encode { error = "Ramus failed on this picture: " .. tostring(err) })
  end
end

function server.open(subject, given)
  local token, err = gate.token()
  if not token then return nil, err end
  local core = C.ra_server_new(given.port, ffi.new("ra_server_limits", LIMITS))
  if core == nil then return nil, ffi.message() end
  local self = setmetatable({ core = core, subject = subject, token = token, port = C.ra_server_port(core), accepted = {}, examples = 0 }, Server)
  self.page, self.policy = page.of(subject, { upload_most = gate.UPLOAD_MOST, pixels_most = look.PIXELS_MOST })
  self.address = ("http://127.0.0.1:%d/%s/"):format(self.port, token)
  return self
end

function Server:run(out)
  C.ra_signal_catch(true)
  while C.ra_signal_arrived() == 0 do
    local request = C.ra_server_wait(self.core, 1)
    if request > 0 then handle(self, request, out) end
  end
  C.ra_signal_catch(false)
end

function Server:close()
  C.ra_server_release(self.core)
  self.core = nil
end

return server
