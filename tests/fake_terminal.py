"""A terminal that answers: runs COMMAND at a pty, answers what it is asked as a terminal of KIND (kitty, sixel, plain), types the lines of
standard input, and prints all that the command wrote.   fake_terminal.py KIND COMMAND [ARG]...
With FAKE_TERMINAL_TIME=FILE the file gets the milliseconds of processor time that the command took."""
import fcntl, os, pty, select, struct, sys, termios, time

kind, command = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 900, 800))
written, place = b"", 0
if "FAKE_TERMINAL_EARLY" in os.environ:  # Ctrl-D alone, typed before the command reads: it must end at its prompt
    os.write(fd, b"\x04")
    end = time.time() + 20
    while time.time() < end and os.waitpid(pid, os.WNOHANG) == (0, 0):
        if select.select([fd], [], [], 0.1)[0]:
            try:
                os.read(fd, 65536)
            except OSError:
                pass
    sys.exit("it has not ended" if time.time() >= end else 0)


def read_until(text, seconds=20):
    """Reads and answers until the text is there behind the place of the last one."""
    global written, place
    seen, end = b"", time.time() + seconds
    while text not in written[place:] and time.time() < end:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            return
        written += data
        seen += data
        if b"\x1b[c" in seen:  # asked last
            if kind == "kitty" and b"\x1b_Gi=31" in seen:
                os.write(fd, b"\x1b_Gi=31;OK\x1b\\")
            os.write(fd, b"\x1b[6;20;10t")
            os.write(fd, b"\x1b[?62;4;22c" if kind == "sixel" else b"\x1b[?62;22c")
            seen = b""
    if text in written[place:]:
        place = written.index(text, place) + len(text)


read_until(b"> ")
for n, line in enumerate(sys.stdin):
    os.write(fd, line.rstrip("\n").encode() + b" -- %d\r" % n)
    read_until(b"-- %d" % n)
    read_until(b"\n> ")
os.write(fd, b"\x04")
read_until(b"\0", 1)
sys.stdout.buffer.write(written)
if "FAKE_TERMINAL_TIME" in os.environ:
    used = os.wait4(pid, 0)[2]
    with open(os.environ["FAKE_TERMINAL_TIME"], "w") as file:
        file.write("%.2f" % (1e3 * (used.ru_utime + used.ru_stime)))
