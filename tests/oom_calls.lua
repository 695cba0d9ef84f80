--- Calls of the core's functions that no other case of test_oom.lua makes, for its rule that every function of api.h is called and fails once at
-- each of its allocations. Each is a function without arguments that returns a true value, or nil and the core's message.
--   { { name, call, forgiving = }, .. }     forgiving: some allocations may fail without harm
local ra = require "ramus"
local augment = require "ramus.data.augment"
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local graph = require "ramus.lang.graph"
local C = ffi.C

--- A value of the core that is released later; nil and the message for NULL.
local function own(pointer, release) return ffi.own(pointer, release) end
local function tensor(pointer) return own(pointer, C.ra_tensor_release) end
local function done(code)
  if code ~= 0 then return nil, ffi.message() end
  return true
end

--- All of several calls, in turn; stops at the first that fails.
local function all(...)
  local calls = { ... }
  return function()
    for _, f in ipairs(calls) do
      local value, err = f()
      if not value then return nil, err or "false" end
    end
    return true
  end
end

return function(folder)
  local calls = {}
  local function add(name, ...) calls[#calls + 1] = { name = name, call = all(...) } end
  local function forgiving(name, ...) calls[#calls + 1] = { name = name, call = all(...), forgiving = true } end
  local function at(name) return folder .. "/" .. name end

  assert(files.make_folder(folder))
  local x, plane, rgb = ra.rand(1, 40, 48), ra.rand(40, 48), ra.rand(3, 40, 48)
  local mask = ra.zeros(40, 48)
  mask:narrow(1, 10, 6):fill(1)
  assert(ra.image.save(at "x.png", x))
  assert(ra.image.save(at "mask.png", mask))
  local bytes = assert(files.read(at "x.png"))
  local details = ffi.new "ra_image_details"
  local colours = ffi.new("double[12]", 0.5)
  local function source(path) return ffi.new("ra_source[1]", { { path = path, threshold = 0 / 0, range = { 0 / 0, 0 / 0 } } }) end
  local x_path, mask_path = at "x.png", at "mask.png"
  local x_source, mask_source = source(x_path), source(mask_path)
  calls.held = { x_path, mask_path } -- the sources point to them
  local function doubles(n) return ffi.new("double[?]", n) end
  local function reals(t) return ffi.data(t) end

  -- ---- base ----
  add("facts of the library and the machine", function()
    return ffi.string(C.ra_api_text()) and C.ra_real_size() and C.ra_error_code() and C.ra_error() and C.ra_build_info "version" and C.ra_mem_live()
      and C.ra_mem_peak() and C.ra_compiler() and C.ra_isa() and C.ra_clock()
      and C.ra_isa_name(0) ~= nil and C.ra_program() ~= nil
  end, function()
    C.ra_mem_reset_peak()
    C.ra_sleep(0)
    C.ra_signal_catch(false)
    return C.ra_signal_arrived() and C.ra_random_uniform(1, 2, 3, 4, 5) and C.ra_random_normal(1, 2, 3, 4, 5)
  end, function() return done(C.ra_isa_set(ffi.string(C.ra_isa()))) end, function()
    local name = ffi.string(C.ra_blas()):find "OpenBLAS" and "openblas" or "none"
    return done(C.ra_blas_set(name))
  end)
  forgiving("threads and the machine's speed", function() return done(C.ra_threads_set(C.ra_threads())) end, function() return C.ra_peak_gflops() > 0 end)
  add("a process", function()
    local p, err = own(C.ra_process_start("sleep\0005\0", 8, at "said.txt"), C.ra_process_release)
    if not p then return nil, err end
    local status = ffi.new "int32_t[1]"
    C.ra_process_stop(p, true)
    while not C.ra_process_ended(p, status) do C.ra_sleep(0.002) end
    return status[0] == 137
  end)

  -- ---- tensors ----
  add("tensors: copies, views, facts", function()
    local t, err = tensor(C.ra_tensor_zeros(2, ffi.new("int32_t[2]", 3, 4)))
    if not t then return nil, err end
    local row
    row, err = tensor(C.ra_tensor_select(t, 0, 1))
    if not row then return nil, err end
    return done(C.ra_tensor_copy(row, ra.ones(4))) and done(C.ra_tensor_stats(t, doubles(5)))
  end)

  -- ---- images ----
  for name, f in pairs {
    load = function() return C.ra_image_load(x_path) end, load_memory = function() return C.ra_image_load_memory(bytes, #bytes) end,
    load_frame = function() return C.ra_image_load_frame(bytes, #bytes, 0) end, contrast = function() return C.ra_image_contrast(x_path) end,
    contrast_bytes = function() return C.ra_image_contrast_bytes(bytes, #bytes) end,
    read_bytes = function() return C.ra_image_read_bytes(bytes, #bytes, x_source, nil) end,
    numbers = function() return C.ra_image_numbers(x_source, nil) end, grey = function() return C.ra_image_grey(rgb, C.RA_GREY_GREEN) end,
    threshold = function() return C.ra_image_threshold(x, 0.5) end, turn = function() return C.ra_image_turn(x, 6) end,
    decide = function() return C.ra_image_decide(plane, 0.6, 0.4, 3) end,
    normalise = function() return C.ra_image_normalise(x, C.RA_NORMALISE_DEVIATION) end,
    overlay = function() return C.ra_image_overlay(x, plane, mask, 0.5, 0.4, colours) end, labels = function() return C.ra_image_labels(rgb) end,
    paint = function() return C.ra_image_paint(x, mask, 0.5, 2, colours) end,
  } do
    add("image " .. name, function() return tensor(f()) end)
  end
  for name, f in pairs {
    info = function() return C.ra_image_info(x_path, details) end, info_bytes = function() return C.ra_image_info_bytes(bytes, #bytes, details) end,
    check = function() return C.ra_image_check(x_path, details) end, best_frame = function() return C.ra_image_best_frame(x_path, ffi.new "int32_t[1]") end,
    inspect = function() return C.ra_image_inspect(x_source, ffi.new "ra_image_report") end,
    samples = function() return C.ra_image_samples(x, ffi.new("uint8_t[?]", x.size)) end,
    save_all = function()
      local path = at "all.png"
      local out = ffi.new("ra_image_out", { path = path, image = rgb, prediction = plane, truth = mask, threshold = 0.5, alpha = 0.4 })
      return C.ra_image_save_all(1, out, 8, "mark")
    end,
    save_labels = function() return C.ra_image_save_labels(at "labels.png", mask, 2, colours, nil) end,
    ["mask_inspect"] = function() return C.ra_mask_inspect(C.RA_FIELD_MASK, mask_source, ffi.new "ra_mask_facts") end,
    polygon_fill = function() return C.ra_polygon_fill(mask:clone(), ffi.new("double[6]", 1, 1, 20, 2, 9, 30), 3, 1) end,
    tile_add = function() return C.ra_tile_add(plane:clone(), plane:clone(), ra.rand(8, 8), 2, 3) end,
    phantom_classes = function() return C.ra_phantom_classes(ra.zeros(48, 48), ra.zeros(48, 48), ra.zeros(48, 48), 1, 1) end,
    phantom_with = function() return C.ra_phantom_with(ra.zeros(48, 48), ra.zeros(48, 48), nil, 1, 1, C.RA_PHANTOM_FULL, 0.5) end,
  } do
    add("image " .. name, function() return done(f()) end)
  end
  add("tables of images", function() return C.ra_tile_starts(100, 20, nil) > 0 and C.ra_image_formats() > 5 and C.ra_image_format_text(0, 0) ~= nil end,
    function() return C.ra_augment_kind_at(0) ~= nil end, function()
      local p = ffi.hidden(augment.program { crop = 16 })
      return done(C.ra_augment_check(p)) and done(C.ra_augment_size(p, 40, 48, ffi.new "int32_t[1]", ffi.new "int32_t[1]"))
    end)
  add("a survey of pictures", function()
    local looks, sources = ffi.new "ra_look[2]", ffi.new("ra_source[2]", { x_source[0], x_source[0] })
    if C.ra_survey(2, sources, looks) ~= 0 then return nil, ffi.message() end
    for i = 0, 1 do if looks[i].code ~= 0 then return nil, ffi.string(looks[i].message) end end
    local n = C.ra_survey_alike(2, looks, 8, 0.9, 4, ffi.new "int32_t[8]", doubles(4), ffi.new "int32_t[4]")
    if n < 0 then return nil, ffi.message() end
    return n == 1
  end)

  -- ---- files ----
  assert(files.write(at "text", "some text\n"))
  local zip = folder .. "/packed.tar"
  assert(os.execute(("cd '%s' && tar cf packed.tar text"):format(folder)) == 0)
  local hex = ffi.new "char[65]"
  for name, f in pairs {
    sha256 = function() return C.ra_sha256("abc", 3, hex) end, md5_file = function() return C.ra_md5_file(at "text", hex) end,
    file_copy = function() return C.ra_file_copy(at "text", at "copy") end, file_store = function() return C.ra_file_store(at "stored", "abc", 3) end,
    file_append = function() return C.ra_file_append(at "lines", "a line", 6) end, folder_make = function() return C.ra_folder_make(at "a/b/c") end,
    folder_sync = function() return C.ra_folder_sync(folder) end, path_remove = function() return C.ra_path_remove(at "a") end,
    path_rename = function()
      assert(files.write(at "stored", "abc"))
      return C.ra_path_rename(at "stored", at "renamed")
    end,
    path_share = function() return C.ra_path_share(at "text", at "shared") end,
    path_stamp = function() return C.ra_path_stamp(at "text", ffi.new "char[96]", doubles(1)) end,
    stranger = function() return C.ra_stranger(at "text", ffi.new "char[512]") end,
    archive_extract = function()
      C.ra_path_remove(at "unpacked")
      return C.ra_archive_extract(zip, at "unpacked", 0)
    end,
    npy_save = function() return C.ra_npy_save(at "x.npy", plane) end,
  } do
    add("file " .. name, function() return done(f()) end)
  end
  add("kind of a path", function() return C.ra_path_kind(at "text", nil, nil) == C.RA_PATH_FILE end)
  for name, f in pairs { path_absolute = function() return C.ra_path_absolute(at "text") end,
    folder_list = function() return C.ra_folder_list(folder, doubles(1)) end } do
    add(name, function()
      local text = f()
      if text == nil then return nil, ffi.message() end
      C.ra_text_release(text)
      return true
    end)
  end
  add("a lock", function()
    local unlock, err = files.lock(at "lock")
    if not unlock then return nil, err end
    unlock()
    return true
  end)
  add("a .npy file", function() return done(C.ra_npy_save(at "y.npy", plane)) end, function() return tensor(C.ra_npy_load(at "y.npy")) end)
  local bundle_path = at "bundle.safetensors"
  assert(ra.save(bundle_path, { a = ra.ones(3, 4) }, { key = "value" }))
  local bundle_text = assert(files.read(bundle_path))
  add("a bundle from memory", function()
    local b, err = own(C.ra_bundle_parse(bundle_text, #bundle_text), C.ra_bundle_release)
    if not b then return nil, err end
    local read = C.ra_bundle_read(b, 0, ra.zeros(3, 4)) == 0 and C.ra_bundle_shape(b, 0, doubles(8)) == 2 and C.ra_bundle_dtype(b, 0) ~= nil
      and C.ra_bundle_bytes(b, 0, doubles(1)) ~= nil and C.ra_bundle_count(b) == 1
    if not read then return nil, ffi.message() end
    return true
  end)
  local fetched = at "fetched"
  local function fetch(t)
    if C.ra_transfer_add(t, "file://" .. at "text") ~= 0 then return nil, ffi.message() end
    while not C.ra_transfer_done(t) do if C.ra_transfer_step(t, 0.05) ~= 0 then return nil, ffi.message() end end
    return C.ra_transfer_bytes(t) and C.ra_transfer_total(t) and C.ra_transfer_received(t) and C.ra_transfer_note(t) and C.ra_transfer_url(t)
      and C.ra_transfer_etag(t) and C.ra_transfer_modified(t)
  end
  add("a transfer", function()
    C.ra_path_remove(fetched)
    local t, err = own(C.ra_transfer_new(ffi.new("ra_transfer_config", { path = fetched, bytes = 10, tries = 1, wait = 0.01 })), C.ra_transfer_release)
    if not t then return nil, err end
    local value
    value, err = fetch(t)
    ffi.release(t, C.ra_transfer_release) -- with its lock
    return value, err
  end)
  add("a question to a server", function() return done(C.ra_probe_url("file://" .. at "text", 1, ffi.new "ra_probe")) end)

  -- ---- samples ----
  local list = { { name = "image", kind = "image", channels = 1 }, { name = "mask", kind = "mask", channels = 1 } }
  local field_array, sources = fields.array(list), ffi.new("ra_source[2]", { x_source[0], mask_source[0] })
  add("one sample", function()
    local native = ffi.new "ra_tensor *[2]"
    if C.ra_sample_load(2, field_array, "a", sources, nil, native, nil, ffi.new "ra_mask_report[2]") ~= 0 then return nil, ffi.message() end
    for i = 0, 1 do C.ra_tensor_release(native[i]) end
    return true
  end)
  add("what a loader says", function()
    local config = ffi.new("ra_loader_config", { batch = 1, epochs = 1, threads = 1, depth = 1 })
    local l, err = own(C.ra_loader_new(config, 2, field_array, nil, nil), C.ra_loader_release)
    if not l then return nil, err end
    if C.ra_loader_add(l, "a", sources) ~= 0 then return nil, ffi.message() end
    C.ra_loader_mask_report(l, 0, 1, ffi.new "ra_mask_report")
    if C.ra_loader_share(l, 1, 1, 0) ~= 0 then return nil, ffi.message() end
    return C.ra_loader_steps(l) == 1 and C.ra_loader_waited(l) >= 0
  end)

  -- ---- metrics ----
  local area = 40 * 48
  local values = ffi.new("double[12]", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
  for name, f in pairs {
    confusion = function() return C.ra_metric_confusion(reals(mask), reals(mask), nil, area, 2, doubles(4)) end,
    pooled = function() return C.ra_metrics_pooled(doubles(C.RA_METRIC_COUNTS), nil, nil, doubles(C.ra_metric_count())) end,
    bootstrap = function() return C.ra_metric_bootstrap(values, nil, 12, 100, 0.95, 1, doubles(4)) end,
    nested = function() return C.ra_bootstrap_nested(values, nil, 3, 4, 100, 0.95, 1, doubles(4)) end,
    wilcoxon = function() return C.ra_wilcoxon(values, 12, doubles(3)) end,
    skeleton = function() return C.ra_mask_skeleton(reals(mask), 40, 48, reals(mask:clone())) end,
    distance = function() return C.ra_mask_distance(reals(mask), 40, 48, reals(mask:clone())) end,
    width = function() return C.ra_foreground_width(reals(mask), 40, 48, reals(mask:clone())) end,
    contrast = function() return C.ra_foreground_contrast(reals(plane), reals(mask), 40, 48, reals(mask:clone())) end,
  } do
    add("metric " .. name, function() return done(f()) end)
  end
  add("tables of metrics", function()
    C.ra_metric_curve(doubles(2 * C.RA_METRIC_BINS), doubles(2))
    return C.ra_metric_count() > 5 and C.ra_metric_at(0) ~= nil and C.ra_metric_bin_edge(1) and C.ra_metric_dice(reals(plane), reals(mask), nil, area, 0)
  end)

  -- ---- ops, graphs, plans ----
  add("tables of ops", function()
    local op = C.ra_op_find "conv2d"
    return C.ra_op_count() > 20 and C.ra_op_at(0) ~= nil and C.ra_op_name(op) ~= nil and C.ra_op_help(op) ~= nil and C.ra_op_inputs(op) ~= nil
      and C.ra_op_samples(op) ~= nil and not C.ra_op_is_loss(op) and C.ra_op_has_products(op) ~= nil and C.ra_op_differentiable(op, 0)
      and C.ra_op_param_count(op) > 0 and C.ra_op_param(op, 0) ~= nil and C.ra_op_param_slot(op, 0) == 0 and C.ra_onnx_knows(op)
  end)
  add("an arena and an op in it", function()
    local arena, err = own(C.ra_arena_new(), C.ra_arena_release)
    if not arena then return nil, err end
    local op, slots = C.ra_op_find "max_pool2d", doubles(C.RA_MAX_SLOTS)
    for k = 0, C.RA_MAX_SLOTS - 1 do slots[k] = 0 / 0 end
    slots[0], slots[1] = 2, 2
    local y
    y, err = tensor(C.ra_op_run(C.ra_op_find "relu", doubles(C.RA_MAX_SLOTS), 1, ffi.new("ra_tensor *[1]", { x }), arena, 0, 0))
    if not y then return nil, err end
    return op ~= nil and C.ra_arena_bytes(arena) >= 0
  end)
  local kernel = ra.rand(1, 1, 3, 3)
  local out, gradient = ra.zeros(2, 3), ra.zeros(2, 3)
  add("a long graph, planned with scratch memory of its own", function()
    local arena, err = own(C.ra_arena_new(), C.ra_arena_release)
    if not arena then return nil, err end
    local g = graph.recorder()
    local node = g:input { 2, 3 }
    local y = node
    for _ = 1, 70 do y = ra.F.relu(y) end
    local p
    p, err = g:plan { outputs = { y }, arena = arena }
    if not p then return nil, err end
    p:bind(node, out)
    p:run {}
    return true
  end)
  add("what a plan says", function()
    local g = graph.recorder()
    local node = g:input { 2, 3 }
    local y = ra.F.relu(node)
    local loss = ra.F.mean(y)
    local p, err = g:plan { outputs = { y, loss }, loss = loss, gradients = { { node, gradient } } }
    if not p then return nil, err end
    p:bind(node, out)
    p:run {}
    C.ra_plan_profile(p.c, true)
    C.ra_plan_set(p.c, y.id, 0, 1) -- has no live parameter: refused
    local shown, view
    shown = C.ra_plan_describe(p.c)
    if shown == nil then return nil, ffi.message() end
    view, err = tensor(C.ra_plan_output(p.c, 0))
    if not view then return nil, err end
    return C.ra_plan_gradient_norm(p.c, loss.id) and C.ra_plan_arena_bytes(p.c) and C.ra_plan_lower_bound(p.c) and C.ra_plan_steps(p.c) > 0
      and C.ra_plan_flops(p.c) and C.ra_plan_scalar(p.c, 1) and C.ra_graph_flops(g.c, y.id)
  end)
  add("what a run would move running averages by", function()
    local g = graph.recorder()
    local node, mean, var = g:input { 2, 1, 4, 4 }, ra.zeros(1), ra.ones(1)
    local y = ra.F.batch_norm(node, nil, nil, g:tensor(mean), g:tensor(var), { train = true })
    local p, err = g:plan { outputs = { y } }
    if not p then return nil, err end
    if C.ra_plan_hold(p.c) < 0 then return nil, ffi.message() end
    p:bind(node, ra.rand(2, 1, 4, 4))
    p:run {}
    if mean:get(1) ~= 0 then return nil, "held, and moved" end
    C.ra_plan_move(p.c, C.ra_plan_statistics(p.c))
    return mean:get(1) ~= 0, "not moved"
  end)
  add("a group of one process", function()
    local sum, numbers = ra.zeros(5), ffi.new "double[2]"
    if C.ra_comm_started() or C.ra_comm_open() == 0 then return nil, "started by mpirun" end
    if C.ra_comm_gather(numbers, 16, numbers + 0) ~= 0 or C.ra_comm_send(numbers, 16, 0) ~= 0 then return nil, ffi.message() end
    if C.ra_comm_add(sum, ra.ones(5), 1, true) ~= 0 then return nil, ffi.message() end
    C.ra_comm_close(0)
    return C.ra_comm_rank() == 0 and C.ra_comm_size() == 1 and C.ra_comm_seconds() >= 0 and sum:get(3) == 1, "not a group of one"
  end)
  add("how far a graph looks", function()
    local g = graph.recorder()
    local node = g:input { 1, 1, 8, 8 }
    local y = ra.F.avg_pool2d(ra.F.conv2d(node, kernel, nil, { pad = 1 }), { k = 2 })
    y = ra.F.upsample(y, { scale = 2 })
    return done(C.ra_graph_reach(g.c, node.id, y.id, 0, ffi.new "ra_reach"))
  end)
  add("an optimizer", function()
    local w, grad = ra.ones(6), ra.ones(6)
    local o, err = own(C.ra_optim_new("adam", ffi.new("ra_optim_config", { beta1 = 0.9, beta2 = 0.99, eps = 1e-8 }), w, grad), C.ra_optim_release)
    if not o then return nil, err end
    if C.ra_optim_ranges(o, ffi.new("ra_optim_range[1]", { { 0, 6, 1, 0, 0 } }), 1) ~= 0 then return nil, ffi.message() end
    local m
    m, err = tensor(C.ra_optim_state(o, "m"))
    if not m then return nil, err end
    C.ra_optim_set_steps(o, 3)
    return C.ra_optim_steps(o) == 3 and done(C.ra_gradient_add(w, grad)) and done(C.ra_ema_update(w, grad, 0.5))
  end)

  -- ---- models, the page ----
  local template, model_path = at "template.safetensors", at "classes.safetensors"
  assert(ra.models.unet({ depth = 2, width = 2 }):save(template))
  local classes = ra.models.unet { depth = 2, width = 2, classes = 3 }
  classes.output.classes = { { name = "a" }, { name = "b" }, { name = "c" } }
  assert(classes:save(model_path))
  local json = assert(require("ramus.lang.safetensors").load(template)).meta["ramus.model"]
  add("what a template says", function()
    local t, err = own(C.ra_template_parse(json), C.ra_template_release)
    if not t then return nil, err end
    return C.ra_template_channels(t) == 1 and C.ra_template_entries(t) > 0 and C.ra_template_leaves(t) > 0 and C.ra_template_leaf_name(t, 0) ~= nil
      and C.ra_template_leaf_shape(t, 0, ffi.new "int32_t[8]") and C.ra_template_outputs(t) == 1 and C.ra_template_output_name(t, 0) ~= nil
  end)
  local plain, coloured = assert(own(C.ra_model_open(template), C.ra_model_close)), assert(own(C.ra_model_open(model_path), C.ra_model_close))
  local three = ra.rand(3, 40, 48)
  add("masks and labels of probabilities", function() return tensor(C.ra_model_mask(plain, plane)) end,
    function() return tensor(C.ra_model_labels(coloured, three)) end)
  add("a model without classes", function()
    local m, err = own(C.ra_model_open(template), C.ra_model_close)
    if not m then return nil, err end
    C.ra_model_set_frame(m, 0)
    return C.ra_model_channels(m) == 1 and C.ra_model_threshold(m) == 0.5 and C.ra_model_range(m, 0 / 0, 0 / 0) == 0 and C.ra_model_file(true) ~= nil
      and tensor(C.ra_model_mask(m, plane))
  end)
  add("a model with classes", function()
    local m, err = own(C.ra_model_open(model_path), C.ra_model_close)
    if not m then return nil, err end
    local p, labels
    p, err = tensor(C.ra_model_run_classes(m, x_path))
    if not p then return nil, err end
    labels, err = tensor(C.ra_model_labels(m, p))
    if not labels then return nil, err end
    return C.ra_model_classes(m) == 3 and C.ra_model_class_name(m, 0) ~= nil and C.ra_model_class_colour(m, 1)
  end)
  -- Who asks gets no answer where memory fails: the connection is closed, and nothing came.
  forgiving("a request to the page", function()
    local s, err = own(C.ra_server_new(0, ffi.new("ra_server_limits", { connections = 2, head_seconds = 1, seconds = 1 })), C.ra_server_release)
    if not s then return nil, err end
    local url = ("http://127.0.0.1:%d/x"):format(C.ra_server_port(s))
    local words = table.concat({ "curl", "-s", "--noproxy", "*", "-d", "body", url }, "\0") .. "\0"
    local p
    p, err = own(C.ra_process_start(words, #words, "/dev/null"), C.ra_process_release)
    if not p then return nil, err end
    for _, stage in ipairs { C.RA_REQUEST_HEAD, C.RA_REQUEST_WHOLE } do
      local r = C.ra_server_wait(s, 0.3)
      if r == 0 then return true end
      if C.ra_request_stage(s, r) ~= stage or C.ra_request_method(s, r) == nil or C.ra_request_path(s, r) == nil then return nil, "no request" end
      C.ra_request_header(s, r, "Host")
      if stage == C.RA_REQUEST_HEAD and C.ra_request_accept(s, r, 100) ~= 0 then return nil, ffi.message() end
      if stage == C.RA_REQUEST_WHOLE then
        C.ra_request_body(s, r, doubles(1))
        if C.ra_request_answer(s, r, 200, "", "ok", 2) ~= 0 then return nil, ffi.message() end
      end
    end
    return true
  end)
  return calls
end
