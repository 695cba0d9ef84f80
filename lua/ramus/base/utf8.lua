--- Texts as UTF-8: names of files may hold any bytes, and what others read may not.
local utf8 = {}

local WHOLE = { "^[%z\1-\127]+", "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]", "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]" }

--- A text with f(byte) for each byte that belongs to no character. but [opt]: a pattern of characters that are taken as bytes too.
function utf8.mended(text, f, but)
  if not text:find "[\128-\255]" then return text end
  local out, at = {}, 1
  while at <= #text do
    local from, to
    for _, pattern in ipairs(WHOLE) do
      from, to = text:find(pattern, at)
      if from then break end
    end
    if but and from and text:find(but, at) then from, to = nil, nil end
    out[#out + 1] = from and text:sub(from, to) or f(text:byte(at))
    at = (to or at) + 1
  end
  return table.concat(out)
end

--- For people: each such byte becomes U+FFFD.
function utf8.shown(text) return utf8.mended(text, function() return "\239\191\189" end) end

--- A string of Lua in quotes, its value the same bytes.
function utf8.quoted(text) return utf8.mended(("%q"):format(text), function(b) return ("\\%d"):format(b) end) end

return utf8
