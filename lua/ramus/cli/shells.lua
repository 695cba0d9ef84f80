--- Completions for bash, zsh and fish, made from the tables of the commands: names of commands, their options, and what a word or a value is:
-- a file, a folder, a data set, an architecture.
local command = require "ramus.cli.command"
local options = require "ramus.base.options"

local shells = {}

--- What a command's words and an option's values are, by what the tables call them: "file", "folder", or a list of names.
local function kind_of(what)
  if not what then return nil end
  if what:find "DIR" or what:find "FOLDER" and not what:find "SET" then return "folder" end
  if what:find "SET" then return "set" end
  if what:find "NAME" then return "model" end
  if what:find "^%[?%a*FILE" or what:find "RECIPE" or what:find "RUN" or what:find "IMAGE" or what:find "PATH" or what:find "PNG" then return "file" end
  return nil
end

--- The same of an option's value: names of other things than architectures are not known here.
local function value_of(f)
  if f.one_of then return f.one_of end
  local kind = kind_of(f.value)
  if kind == "model" and f.name ~= "model" then return nil end
  return kind
end

--- The names that are offered for a kind besides files.
local function names_of(kind)
  if type(kind) == "table" then return kind end
  if kind == "set" then return require("ramus.data.dataset").names() end
  if kind == "model" then return require("ramus.lang.models").names() end
  return {}
end

local function list_of_commands()
  local list = {}
  for _, c in ipairs(command.all()) do
    list[#list + 1] = { name = c.name, help = c.help, flags = command.flags_of(c), words = c.one_of or kind_of(c.words), given = c.words }
  end
  return list
end

--- "--run", and "-o" where there is one.
local function spellings(f) return f.short and { "--" .. f.name, f.short } or { "--" .. f.name } end

-- ---- bash ---------------------------------------------------------------------

local BASH = [[
# bash completion for ramus, made by `ramus completion bash`
_ramus() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} kind= words= flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "@COMMANDS@ --help --version" -- "$cur"))
    return
  fi
  case $command in
@CASES@
  esac
  case $command:$prev in
@VALUES@
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags --help" -- "$cur")); return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  case $kind in
    folder) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- "$cur")) ;;
    file | set) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$cur")) ;;
  esac
}
complete -F _ramus ramus
]]

--- A kind as a word of the script: of a list of names "none", since no files go with them.
local function word_of(kind) return type(kind) == "table" and "none" or kind end

local function bash()
  local names, cases, values = {}, {}, {}
  for _, c in ipairs(list_of_commands()) do
    local flags = {}
    names[#names + 1] = c.name
    for _, f in ipairs(c.flags) do
      local kind = f.value and (value_of(f) or "none")
      for _, s in ipairs(spellings(f)) do
        flags[#flags + 1] = s
        if kind then values[#values + 1] = ("    %s:%s) kind=%s words='%s' ;;"):format(c.name, s, word_of(kind), table.concat(names_of(kind), " ")) end
      end
    end
    cases[#cases + 1] = ("    %s) kind=%s words='%s' flags='%s' ;;"):format(c.name, word_of(c.words or "none"), table.concat(names_of(c.words), " "),
      table.concat(flags, " "))
  end
  local parts = { COMMANDS = table.concat(names, " "), CASES = table.concat(cases, "\n"), VALUES = table.concat(values, "\n") }
  return (BASH:gsub("@(%u+)@", parts))
end

-- ---- zsh ----------------------------------------------------------------------

--- Text within single quotes, for _arguments: no brackets, colons, quotes.
local function zsh_text(text) return (text:gsub("'", ""):gsub("[%[%]]", ""):gsub(":", "\\:")) end

local function zsh_action(kind)
  if kind == "folder" then return "_files -/" end
  if kind == "set" or kind == "model" or type(kind) == "table" then
    local names = ("(%s)"):format(table.concat(names_of(kind), " "))
    return kind ~= "set" and names or ("{ _alternative \"sets:data set:%s\" \"files:file:_files\" }"):format(names)
  end
  return "_files"
end

local function zsh()
  local lines, commands = {}, {}
  for _, c in ipairs(list_of_commands()) do
    commands[#commands + 1] = ("    '%s:%s'"):format(c.name, zsh_text(c.help))
    local args = {}
    for _, f in ipairs(c.flags) do
      for _, s in ipairs(spellings(f)) do
        local value = f.value and (":%s:%s"):format(zsh_text(f.value), value_of(f) and zsh_action(value_of(f)) or "") or ""
        args[#args + 1] = ("        '%s%s[%s]%s'"):format(f.many and "*" or "", s, zsh_text(f.help), value)
      end
    end
    if c.given then args[#args + 1] = ("        '*:%s:%s'"):format(zsh_text(c.given:lower()), zsh_action(c.words)) end
    lines[#lines + 1] = ("    %s) _arguments \\\n%s ;;"):format(c.name, #args > 0 and table.concat(args, " \\\n") or "        '*:file:_files'")
  end
  return ("#compdef ramus\n# zsh completion for ramus, made by `ramus completion zsh`\nlocal -a commands\ncommands=(\n%s\n)\n"
    .. "local curcontext=$curcontext state line\n"
    .. "_arguments -C '1:command:->command' '*::argument:->argument' && return\ncase $state in\n  command) _describe -t commands 'ramus command' commands ;;\n"
    .. "  argument)\n    case $words[1] in\n%s\n    esac ;;\nesac\n"):format(table.concat(commands, "\n"), table.concat(lines, "\n"))
end

-- ---- fish ---------------------------------------------------------------------

local function fish_text(text) return "'" .. text:gsub("\\", "\\\\"):gsub("'", "\\'") .. "'" end

local function fish()
  local lines = { "# fish completion for ramus, made by `ramus completion fish`", "complete -c ramus -f" }
  local function add(format, ...) lines[#lines + 1] = "complete -c ramus " .. format:format(...) end
  for _, c in ipairs(list_of_commands()) do
    add("-n __fish_use_subcommand -a %s -d %s", fish_text(c.name), fish_text(c.help))
    local here = ("-n '__fish_seen_subcommand_from %s'"):format(c.name)
    for _, f in ipairs(c.flags) do
      local kind = f.value and value_of(f)
      local value = not f.value and "" or kind == "folder" and " -x -a '(__fish_complete_directories)'" or (kind == "file" or kind == "set") and " -rF"
        or #names_of(kind) > 0 and " -x -a " .. fish_text(table.concat(names_of(kind), " ")) or " -x"
      add("%s -l %s%s%s -d %s", here, f.name, f.short and " -s " .. f.short:sub(2) or "", value, fish_text(f.help))
    end
    if c.words == "folder" then add("%s -a '(__fish_complete_directories)'", here) elseif c.words == "file" or c.words == "set" then add("%s -F", here) end
    local names = names_of(c.words)
    if #names > 0 then add("%s -a %s", here, fish_text(table.concat(names, " "))) end
  end
  return table.concat(lines, "\n") .. "\n"
end

shells.known = { bash = bash, zsh = zsh, fish = fish }

--- The completion file of a shell; nil and a message.
function shells.completion(name)
  if shells.known[name] then return shells.known[name]() end
  return nil, options.unknown("shell", name, options.names(shells.known))
end

return shells
