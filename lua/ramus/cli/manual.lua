--- The manual page ramus(1), made from the tables of the commands.
local command = require "ramus.cli.command"

local manual = {}

--- Text for roff: backslashes, and dots and quotes that begin a line.
local function plain(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (("\n" .. text):gsub("\n([.'])", "\n\\&%1"):sub(2))
end

local function bold(text) return "\\fB" .. plain(text) .. "\\fR" end

--- "--run DIR" with the option bold and its value in italics.
local function flag_text(f)
  local names = f.short and bold(f.short) .. ", " .. bold("--" .. f.name) or bold("--" .. f.name)
  return names .. (f.value and " \\fI" .. plain(f.value) .. "\\fR" or "")
end

local function flag_lines(flags, lines)
  for _, f in ipairs(flags) do
    lines[#lines + 1] = ".TP"
    lines[#lines + 1] = flag_text(f)
    lines[#lines + 1] = plain(command.meaning(f))
  end
end

local function command_lines(c, lines)
  lines[#lines + 1] = (".SS %s"):format(plain("ramus " .. c.name))
  lines[#lines + 1] = ".B " .. plain("ramus " .. command.usage(c))
  lines[#lines + 1] = ".PP\n" .. plain(c.help:sub(1, 1):upper() .. c.help:sub(2) .. ".")
  flag_lines(c.flags or {}, lines)
  if c.example then lines[#lines + 1] = ".PP\nExample: " .. bold(c.example) end
end

local TAIL = [[
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
the world failed: a network, a file, a training that diverged
.TP
.B 2
wrong use
.TP
.B 130
interrupted, with a checkpoint saved
.SH ENVIRONMENT
.TP
.B RAMUS_DATA
where data sets live; $XDG_DATA_HOME/ramus, else ~/.local/share/ramus unless set
.TP
.B RAMUS_THREADS
threads that compute; the number of processors unless set
.TP
.B RAMUS_MIRROR
a folder or address that is tried before any other of a data set
.PP
The others are in reference/environment.md of the documents.
.SH FILES
.TP
.I ~/.local/share/ramus
data sets
.TP
.I ~/.cache/ramus
sums of files, which may be removed at any time
.TP
.I ~/.local/state/ramus/history
what was typed at the prompt
.TP
.I runs/NAME
a training: its recipe, checkpoints, scores and pictures
]]

--- The page as roff.
function manual.page(version)
  local lines = { (".TH RAMUS 1 \"\" \"ramus %s\" \"User Commands\""):format(plain(version)), ".SH NAME",
    "ramus \\- train, compare and apply nets that segment images, on ordinary processors", ".SH SYNOPSIS", ".B ramus", "[\\fICOMMAND\\fR] ...",
    ".SH DESCRIPTION", "A toolkit for image segmentation, scripted in Lua. Without a command it is a prompt where tensors, models and images are values.",
    ".PP", "\\fBramus\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR explains the options of one command,",
    "\\fBramus \\-\\-version\\fR says what was built. Every command also has", }
  flag_lines(command.EVERY, lines)
  lines[#lines + 1] = ".SH COMMANDS"
  for _, c in ipairs(command.all()) do command_lines(c, lines) end
  return table.concat(lines, "\n") .. "\n" .. TAIL
end

return manual
