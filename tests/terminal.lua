--- A terminal for tests that press keys: a window of tmux of 100 columns and 50 lines, of a server of its own.
--
--   local t = terminal(folder, " -f /dev/null ")      its name comes from the folder; flags of tmux
--   t.run "send-keys Enter"                           a command of tmux; what it printed
--   t.wait_for("text", " -e")                         the screen as soon as it shows the text; an error after ten seconds
return function(folder, flags)
  local tmux = "tmux -L ramus-test-" .. folder:match "([%w_]+)/[^/]*$" .. (flags or " ")
  local t = {}

  function t.run(command)
    local p = io.popen(tmux .. command .. " 2>&1")
    local text = p:read "*a"
    p:close()
    return text
  end

  function t.wait_for(part, how)
    local text
    for _ = 1, 200 do
      text = t.run("capture-pane -p" .. (how or ""))
      if text:find(part, 1, true) then return text end
      os.execute "sleep 0.05"
    end
    error(("did not see '%s' in\n%s"):format(part, tostring(text)), 2)
  end

  return t
end
