--- Who may come in: judges the head of a request before any of its body is read. A page of another site can make a browser send requests here, under
-- a name of its own (DNS rebinding) or ours; it cannot know the token, nor choose Host, Origin and Sec-Fetch-Site.
--
--   gate.judge({ method =, path =, host =, origin =, site =, length = }, { token =, port = })
--   "page" (GET), or "predict" or "example" (POST) and the bytes of the body; or nil, a status, and a sentence
local bit = require "bit"

local gate = {}

gate.UPLOAD_MOST = 128 * 2 ^ 20 -- bytes of a picture's file
local TOKEN_BYTES = 16

--- What there is, by method and the rest of the path behind the token.
local ROUTES = { GET = { [""] = "page" }, POST = { predict = "predict", example = "example" } }

--- A new token of 128 random bits from the kernel, as 32 hexadecimal digits; nil and a message.
function gate.token()
  local source, err = io.open("/dev/urandom", "rb")
  local bytes = source and source:read(TOKEN_BYTES)
  if source then source:close() end
  if not bytes or #bytes ~= TOKEN_BYTES then return nil, "the kernel gives no random numbers: " .. (err or "/dev/urandom is short") end
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

--- Are two texts the same? In a time that depends on their lengths alone.
function gate.same(a, b)
  if #a ~= #b then return false end
  local differ = 0
  for i = 1, #a do differ = bit.bor(differ, bit.bxor(a:byte(i), b:byte(i))) end
  return differ == 0
end

--- A status and a sentence where a request may come from elsewhere, else nil.
local function foreign(r, port)
  local host = (r.host or ""):lower()
  if host ~= "127.0.0.1:" .. port and host ~= "localhost:" .. port then
    return 403, ("this page answers at 127.0.0.1:%d and localhost:%d alone"):format(port, port)
  end
  if r.origin and r.origin:lower() ~= "http://" .. host or r.method == "POST" and not r.origin then
    return 403, "a picture is taken from the page itself and from no other"
  end
  if r.method == "POST" and r.site and r.site ~= "same-origin" then return 403, "a picture is taken from the page itself and from no other" end
end

function gate.judge(r, own)
  local routes = ROUTES[r.method]
  if not routes then return nil, 405, "this page knows GET and POST" end
  local status, why = foreign(r, own.port)
  if status then return nil, status, why end
  local token, rest = r.path:match "^/([^/]*)/?(.*)$"
  if not token or not gate.same(token, own.token) then
    return nil, 403, "the address lacks its secret part, or it is that of an earlier start; take the whole address that ramus serve printed last"
  end
  local route = routes[rest]
  if not route then return nil, 404, "there is nothing at this address" end
  if r.method == "GET" then return route end
  local length = (r.length or ""):match "^%d+$" and tonumber(r.length)
  if not length then return nil, 411, "a picture comes with its length (Content-Length)" end
  if length > gate.UPLOAD_MOST then
    return nil, 413, ("the file has %.1f MB; at most %.0f MB are taken here, ramus predict takes larger ones"):format(length / 2 ^ 20,
      gate.UPLOAD_MOST / 2 ^ 20)
  end
  return route, length
end

return gate
