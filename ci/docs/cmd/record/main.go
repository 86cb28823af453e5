// Command record runs a program on a terminal and draws what was seen there as
// an animated SVG, so that the recording in the documentation is a real run:
//
//	record -out docs/make-run.svg -- make run
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/creack/pty"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "file for the SVG")
	length := flags.Duration("length", 30*time.Second, "how long the recording plays, however long the run took")
	columns := flags.Int("columns", 132, "width of the terminal")
	dir := flags.String("dir", "", "folder to run the command in")
	if err := flags.Parse(args); err != nil || *out == "" || flags.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: record -out FILE.svg -- COMMAND …")
		return 2
	}
	s := &screen{columns: *columns}
	took, err := watch(s, *dir, flags.Args(), stdout)
	if err != nil {
		fmt.Fprintln(stderr, "record:", err)
		return 1
	}
	var b bytes.Buffer
	draw(&b, s, strings.Join(flags.Args(), " "), took, *length)
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		fmt.Fprintln(stderr, "record:", err)
		return 1
	}
	return 0
}

// watch runs the command on a terminal of its own until it has ended well.
func watch(s *screen, dir string, command []string, copyTo io.Writer) (time.Duration, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	ofMake := func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") } // a make that is recorded is nobody's child
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofMake), "TERM=xterm-256color")
	began := time.Now()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(s.columns)})
	if err != nil {
		return 0, err
	}
	defer terminal.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := terminal.Read(b) // ends with EIO when the program has closed its side
		s.write(b[:n], time.Since(began))
		_, _ = copyTo.Write(b[:n])
		if err != nil {
			break
		}
	}
	return time.Since(began), cmd.Wait()
}
