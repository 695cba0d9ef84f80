--- ramus completion: completions of the shells and the manual page, made from the tables of the commands.
return {
  name = "completion", order = 12, words = "bash|zsh|fish|man", one_of = { "bash", "zsh", "fish", "man" },
  example = "ramus completion bash > ramus.bash",
  help = "print the completions of a shell, or the manual page as roff; make install puts both in place",
  run = function(words)
    if #words ~= 1 then return false, ("completion wants bash, zsh, fish or man, given %d words"):format(#words), 2 end
    if words[1] == "man" then
      io.write(require("ramus.cli.manual").page(require("ramus.base.build").version))
      return 0
    end
    local text, err = require("ramus.cli.shells").completion(words[1])
    if not text then return false, err, 2 end
    io.write(text)
    return 0
  end,
}
