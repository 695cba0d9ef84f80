--- The floors of the house, lowest first: a file may use its own folder and those on lower floors, nothing else.
-- test_floors.lua reads every require and every #include "../" and holds them to this; architecture.md shows it. A row: folder, what it holds,
-- and its rooms, folders in it, with what they hold: a room NAME/ lies behind the file NAME.lua, its door (commands/ has none).
return {
  core = {
    { "base", "errors as values, the gateway to memory, counter-based random numbers, threads, processor features, signals" },
    { "tensor", "storage, views, the arena" },
    { "library", "libraries that are opened when they are first needed, a header of what is used of each" },
    { "file", "whole files, folders, hashes, transfer, archives, npy, npz, safetensors" },
    { "dicom", "DICOM files: the header's elements, the cells of a frame" },
    { "geometry", "distances, skeletons and components of binary pictures" },
    { "kernel", "the hot loops, each file compiled once per instruction set" },
    { "op", "one file per op, one line in ops.def" },
    { "loss", "one file per loss, one line in losses.def" },
    { "optim", "optimizers over flat blocks" },
    { "metric", "confusion counts, curves, distances between boundaries" },
    { "image", "filters, augmentation and drawing on planes of pixels" },
    { "phantom", "synthetic angiograms" },
    { "codec", "pictures in files: one file per format, one line in formats.def; what their numbers mean" },
    { "graph", "the registry of ops and losses; record, plan, run" },
    { "loader", "fields, samples, the loader and its threads" },
    { "comm", "what processes of one training exchange, through Open MPI" },
    { "model", "a trained model for programs in C" },
    { "export", "a model written as an ONNX file" },
    { "serve", "HTTP at 127.0.0.1 by polling, through libmicrohttpd" },
    { "testing", "single kernels and failing allocations, for tests and benchmarks; declared in api_test.h, not in api.h" },
  },
  lua = {
    { "base", "ffi (the only cdef), build, options, mistake, always, files, paths, json, utf8, shape, base64, show, talk, progress" },
    { "lang", "ops (the op table), tensor and its parts, F, graph, module, nn, loss, loss_function, schedule, schedule_text, optim, grad, trace, template, "
      .. "model, parameters, onnx, torch_names, state_dict, models", { models = "architectures, a file each, and their blocks" } },
    { "data", "sets of pictures: definitions (dataset, registry), forms they come in (folder, csv, nnunet, coco, polygons), pairs, splits, fields, reading, "
      .. "prepared folders, loader, augment, and the doors to the rooms below",
      { fetch = "downloads, what was received, probes of servers, citations", folder = "one's own pictures: layout of folders, matching of names, splits",
        image = "writing, pictures of classes, letters", verdict = "is a set fit for use: facts and values of its masks",
        audit = "the report of `ramus check`: what is in a set twice, contact sheet", metrics = "scores of classes, groups, comparisons" } },
    { "draw", "what is drawn in the terminal and in files: drawing, terminal, show, panels, grid, cells, graphics, plot, series, chart, canvas, hist, "
      .. "axes, trend, svg, raster" },
    { "train", "a training: setup, step, teacher, group, loop, state, snapshot, checkpoint, witness, trainer, replay, lr_find; and what is done with a run: "
      .. "export, checks, baseline, current; and the doors to the rooms below",
      { recipe = "fields set from outside, what parts must agree on, first weights, plans from a data set", supervise = "rows as functions and as text",
        companions = "what rides along with the loop, a file each", run = "files of a run's folder, lists of runs, stories, what can be deleted",
        evaluate = "the set that is scored, further observers, millimetres, tables",
        predict = "the way from picture to mask, tiles, frames, sources, forms of output" } },
    { "study", "study, definition, folds, key, score, signs, tables, cell, curve, results, from_results, pictures, claims, runner, slurm, part, pace, "
      .. "probe, cost, verify, live, summary, pages, markdown, plain, figure, studies, contents, difference, tune" },
    { "report", "report, page of runs, study_page, their parts (frame, html, chart, tables, curves, pooled, supervision, weights, "
      .. "pictures, signs, style, script), gather, compared, seeds" },
    { "serve", "the page of ramus serve: server, gate, look, page, style, script" },
    { "ramus", "init.lua: everything by its public name, loaded when first used" },
    { "cli", "the command line, the REPL, completion, help, demo, bench", { commands = "a file each" } },
  },
}
