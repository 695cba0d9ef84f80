--- The pictures of a folder of one's own, and what the names around them say: image, mask, second observer's mask, field of view, and split.
--
--   local found = layout.walk("mine")       { { path =, dir = "p1", stem = "7", name = "7.png", role = "image", split = "train", .. }, .. }
--
-- A folder's name says a role or a split by its words ("train_images", "imagesTr", "1st_manual"); a folder whose name says neither (a
-- patient, a film) is part of the ids. Hidden files, what systems leave behind, text and links to nowhere are no pictures.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local pairing = require "ramus.data.pairing"

local layout = {}

--- Words of roles and splits, in small letters; those of a role with "manual" make "mask" beside them a field of view, as in DRIVE and HRF.
layout.words = {
  image = "image images img imgs im input inputs picture photo photos original originals orig jpegimages scan scans frame frames source src raw "
    .. "bild bilder imagen imagenes imágenes imagem imagens immagine immagini obraz obrazy 图像 图片 影像 圖像 画像 原图 изображения",
  mask = "mask masks msk msks label labels lbl gt gts groundtruth truth annotation annotations annot ann anns seg segs segm segmentation "
    .. "segmentations target targets manual manuals 1stho ho maske masken masque masques mascara mascaras máscara máscaras maschera maschere maska maski "
    .. "etiqueta etiquetas etichetta etichette étiquettes 标签 掩码 掩膜 标注 標籤 マスク ラベル маска маски",
  observer = "2nd 2ndho ho2 manual2 second observer2",
  fov = "fov fovs fieldofview",
  train = "train training trn tr entrenamiento entrainement entraînement treino treinamento addestramento trening 训练 训练集 訓練 训练数据 学習 обучение",
  val = "val valid validation vali dev validierung validacion validación validacao validação validazione walidacja 验证 验证集 驗證 検証 проверка",
  test = "test testing tst ts tests holdout heldout prueba pruebas teste testes pruefung prüfung 测试 测试集 測試 テスト тест",
  neutral = "dir set sets folder data dataset png jpg jpeg tif tiff",
  ordinal = "1st first",
}
local MEANS = {}
for meaning, list in pairs(layout.words) do for word in list:gmatch("%S+") do MEANS[word] = meaning end end
local SPLITS = { train = true, val = true, test = true }

--- Endings of pictures that are read, and of others: a pair with such a file is found, and the reader says what to do about it.
local PICTURE = {}
for _, ending in ipairs(image.extensions()) do PICTURE[ending] = true end
for ending in ("tif tiff gif bmp webp dcm dicom nii jp2 j2k jpf heic heif avif exr mha nrrd"):gmatch("%S+") do PICTURE[ending] = true end

local DEPTH, MOST = 5, 200000 -- folders below folders, entries
local RUN = ffi.string(ffi.C.ra_model_file(false)) -- a folder with a run's model holds a run's pictures

--- The words of a name: "imagesTr" is images and Tr, "Ground truth" is one.
function layout.tokens(name)
  local list = {}
  local text = name:gsub("(%l)(%u)", "%1 %2"):lower()
  for word in text:gmatch("[%w\128-\255]+") do
    if word == "truth" and list[#list] == "ground" then list[#list] = "groundtruth" else list[#list + 1] = word end
  end
  return list
end

--- What a word means: "mask", "train", ..; a number behind a word ("manual1", "img001") aside. Returns also that number's text.
function layout.meaning(word)
  if MEANS[word] then return MEANS[word], "" end
  local letters, digits = word:match("^(%a+)(%d+)$")
  return letters and MEANS[letters], digits
end

--- What a folder's name says: { role =, split =, exact = no other words, manual =, mask = by these words }, or nil where it says nothing.
function layout.folder(name)
  local said = { exact = true }
  for _, word in ipairs(layout.tokens(name)) do
    local m = layout.meaning(word)
    if not m then said.exact = false
    elseif SPLITS[m] then said.split = said.split or m
    elseif m ~= "neutral" and m ~= "ordinal" then
      said.manual, said.mask = said.manual or word:find("^manual") ~= nil, said.mask or word:find("^masks?$") ~= nil
      local rank = { image = 1, mask = 2, fov = 3, observer = 4 }
      if (rank[m] or 0) > (rank[said.role] or 0) then said.role = m end
    end
  end
  return (said.role or said.split) and said or nil
end

--- A file name without its ending: "7.nii.gz" -> "7", "nii.gz".
function layout.stem(name)
  local stem, ending = name:match("^(.+)(%.%w+%.[gG][zZ])$")
  if not stem then stem, ending = name:match("^(.+)(%.%w+)$") end
  if not stem then return name, "" end
  return stem, ending:sub(2):lower()
end

--- True for the name of a picture, by its ending; bare: also names without one (DICOM often has none).
function layout.is_picture(name, bare)
  if pairing.is_system(name) or pairing.is_text(name) then return false end
  local _, ending = layout.stem(name)
  if ending == "" or not ending:find("%a") then return bare or false end
  local last = ending:match("^(%w+)%.gz$") or ending
  return PICTURE[last] or false
end

--- The pictures among a folder's names: those with a picture's ending; where there is none, and bare, those without any. any: all files.
local function pictures_of(names, bare, any)
  local list, endless = {}, {}
  for _, name in ipairs(names) do
    local is_file = name:sub(-1) ~= "/" and not pairing.is_system(name)
    if is_file and (any or layout.is_picture(name)) then list[#list + 1] = name
    elseif is_file and bare and layout.is_picture(name, true) then endless[#endless + 1] = name end
  end
  return #list > 0 and list or endless
end

local function joined(a, b) return a == "" and b or a .. "/" .. b end

local walk

--- One folder's pictures, and those of the folders in it. at: { path, dir, role, split, said, depth }; state: { list, seen, count, roles }.
local function look(at, state)
  local whole = files.absolute(at.path)
  if not whole or state.seen[whole] or files.exists(at.path .. "/" .. RUN) then return true end -- a circle of links, a run
  state.seen[whole] = true
  local names, err = files.list(at.path)
  if not names then return nil, err end
  state.count = state.count + #names
  if state.count > MOST then return nil, ("%s: holds more than %d files and folders; name a smaller folder"):format(state.root, MOST) end
  for _, name in ipairs(pictures_of(names, at.role ~= nil or not state.roles, state.any)) do
    local path = at.path .. "/" .. name
    if files.is_file(path) then
      state.list[#state.list + 1] = { path = path, name = name, stem = layout.stem(name), dir = at.dir, role = at.role, split = at.split, said = at.said,
        folder = at.folder }
    end
  end
  for _, name in ipairs(names) do
    if name:sub(-1) == "/" and not pairing.is_system(name) and at.depth < DEPTH then
      local ok
      ok, err = walk(at, name:sub(1, -2), state)
      if not ok then return nil, err end
    end
  end
  return true
end

function walk(at, name, state)
  local said = layout.folder(name)
  if said and not state.roles then said.role = nil end
  local inner = { path = at.path .. "/" .. name, dir = at.dir, role = at.role, split = at.split, said = at.said, folder = at.folder, depth = at.depth + 1 }
  if said and said.role then inner.role, inner.said, inner.folder = said.role, said, name:lower() end
  if said and said.split then inner.split = said.split end
  if not said or not (said.role or said.split) then inner.dir = joined(at.dir, name) end
  return look(inner, state)
end

--- Pictures of a folder and of those in it, in natural order of their paths. given: roles = false (folders say
-- splits only), any = true (all files, whatever their endings). nil and a message.
function layout.walk(folder, given)
  local state = { list = {}, seen = {}, count = 0, root = folder, roles = not given or given.roles ~= false, any = given and given.any }
  local ok, err = look({ path = folder, dir = "", depth = 0 }, state)
  if not ok then return nil, err end
  pairing.sort(state.list, function(f) return f.path end)
  return state.list
end

--- Are there manual segmentations? Then what is called "mask" beside them is a field of view, as in DRIVE and HRF.
local function beside_manual(list, of)
  local manual, fov = false, false
  for _, f in ipairs(list) do
    local said = of(f) or {}
    manual, fov = manual or (said.manual and said.role == "mask"), fov or said.role == "fov"
  end
  return manual and not fov
end

--- Gives files in folders called "mask" beside folders of manual segmentations the role of a field of view.
function layout.settle(list)
  if not beside_manual(list, function(f) return f.role and f.said end) then return end
  for _, f in ipairs(list) do
    if f.role == "mask" and f.said.mask and not f.said.manual then f.role = "fov" end
  end
end

--- Sorts files by the role that their own names say ("7_mask.png"; "image" where they say none) into lists by role.
function layout.sort(list, into)
  local said = {}
  for _, f in ipairs(list) do said[f] = layout.folder(f.stem) or {} end
  local view = beside_manual(list, function(f) return said[f] end)
  for _, f in ipairs(list) do
    local role = said[f].role or "image"
    if view and role == "mask" and not said[f].manual then role = "fov" end
    table.insert(into[role], f)
  end
end

return layout
