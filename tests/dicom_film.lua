--- Made-up films for tests: an explicit little endian DICOM file of 8-bit frames, from phantoms.
local film = {}

--- An explicit element: tag, VR, value.
function film.element(group, number, vr, value)
  local function word(n) return string.char(n % 256, math.floor(n / 256) % 256) end
  if #value % 2 == 1 then value = value .. (vr == "OB" and "\0" or " ") end
  local long = vr == "OB" or vr == "OW"
  return word(group) .. word(number) .. vr .. (long and "\0\0" .. word(#value) .. word(math.floor(#value / 65536)) or word(#value)) .. value
end

--- The bytes of a file whose frames are tensors [H,W] or [1,H,W] in 0..1. more: texts of further elements, { { 0x10, 0x10, "PN", "A^B" }, .. }.
function film.bytes(list, more)
  local function us(n) return string.char(n % 256, math.floor(n / 256)) end
  local t, pixels = list[1], {}
  for i, x in ipairs(list) do
    local row = {}
    for k = 0, x.size - 1 do row[k + 1] = string.char(math.floor(math.min(math.max(x.data[k], 0), 1) * 255 + 0.5)) end
    pixels[i] = table.concat(row)
  end
  local elements = { { 0x08, 0x60, "CS", "XA" }, { 0x28, 0x02, "US", us(1) }, { 0x28, 0x04, "CS", "MONOCHROME2" }, { 0x28, 0x08, "IS", tostring(#list) },
    { 0x28, 0x10, "US", us(t.dim[t.rank - 2]) }, { 0x28, 0x11, "US", us(t.dim[t.rank - 1]) }, { 0x28, 0x100, "US", us(8) }, { 0x28, 0x101, "US", us(8) },
    { 0x28, 0x102, "US", us(7) }, { 0x28, 0x103, "US", us(0) }, { 0x7fe0, 0x10, "OB", table.concat(pixels) } }
  for _, e in ipairs(more or {}) do elements[#elements + 1] = e end
  table.sort(elements, function(a, b) return a[1] * 65536 + a[2] < b[1] * 65536 + b[2] end)
  local meta = film.element(2, 0x10, "UI", "1.2.840.10008.1.2.1\0")
  for i, e in ipairs(elements) do elements[i] = film.element(unpack(e)) end
  return ("\0"):rep(128) .. "DICM" .. meta .. table.concat(elements)
end

--- A film of a phantom into which contrast agent flows: strengths (0: none, 1: the phantom as it is) and brightness of every frame.
function film.flow(x, mask, strengths, brightness)
  local image, F = require "ramus.data.image", require "ramus.lang.F"
  local outside = F.affine(mask, { scale = -1, shift = 1 }):reshape(unpack(x.shape))
  local sigma = x.dim[x.rank - 1] / 20
  local weight = image.blur(outside, { sigma = sigma })
  local ground = F.div(image.blur(F.mul(x, outside), { sigma = sigma }), F.affine(weight, { shift = 1e-3 })) -- what is behind the vessels
  local list = {}
  for i, s in ipairs(strengths) do
    local behind = F.add(F.mul(x, outside), F.mul(ground, F.affine(outside, { scale = -1, shift = 1 })))
    list[i] = F.affine(F.add(F.affine(x, { scale = s }), F.affine(behind, { scale = 1 - s })), { scale = brightness and brightness[i] or 1 })
  end
  return list
end

return film
