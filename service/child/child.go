// Package child starts processes that never outlive their parent.
//
// Every child leads a process group of its own and holds the reading end of a
// pipe whose other end only its parent has. When the parent ends, however it
// ends, the child reads EOF and ends its own group. A program that knows
// nothing of this runs under a guard: the parent's own executable, which holds
// the pipe in its place.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// FDVariable names the environment variable that tells a child which file
// descriptor is its parent's pipe.
const FDVariable = "UNDERSTUDY_PARENT_FD"

const guardWord = "__guard"

// Spec says what to start.
type Spec struct {
	Path   string   // the executable
	Args   []string // without the executable's name
	Env    []string // the whole environment, as in os.Environ
	Dir    string
	Stdout io.Writer
	Stderr io.Writer
	// Files are inherited as descriptors 4, 5, ... (3 is the parent's pipe).
	Files []*os.File
	// Guard runs a program that does not watch the pipe itself under this
	// executable, whose main must call MaybeGuard first.
	Guard bool
	// Credential runs the child as another user, for programs that refuse to
	// run as root; nil keeps the user. Only root can change it.
	Credential *syscall.Credential
}

// Process is a running child.
type Process struct {
	cmd  *exec.Cmd
	pipe *os.File
	done chan struct{}
	err  error
}

// Start starts a child. The caller need not wait: the child is reaped.
func Start(s Spec) (*Process, error) {
	path, args := s.Path, s.Args
	if s.Guard {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this executable: %w", err)
		}
		path, args = self, append([]string{guardWord, "--", s.Path}, s.Args...)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open the parent's pipe: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, s.Stdout, s.Stderr
	cmd.Env = append(append([]string{}, s.Env...), FDVariable+"=3")
	cmd.ExtraFiles = append([]*os.File{r}, s.Files...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.Credential}
	// A grandchild may keep stdout open: do not wait for it for ever.
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start %s: %w", s.Path, err)
	}
	p := &Process{cmd: cmd, pipe: w, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		w.Close()
		// What the child left behind in its group goes with it.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		close(p.done)
	}()
	return p, nil
}

// PID is the child's process id, which is its process group's too.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the child's end; nil means exit status 0.
func (p *Process) Wait() error {
	<-p.done
	if errors.Is(p.err, exec.ErrWaitDelay) {
		return nil
	}
	return p.err
}

// Signal sends a signal to the child alone.
func (p *Process) Signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
		return syscall.Kill(p.PID(), s)
	}
}

// Kill ends the child's whole group at once.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	}
}

// Stop asks the child to end with SIGTERM and kills its group after grace.
// It returns when the child has ended.
func (p *Process) Stop(grace time.Duration) {
	_ = p.Signal(syscall.SIGTERM)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.Kill()
		<-p.done
	}
}

// DieWithParent makes this process end its own process group as soon as its
// parent is gone. Without a parent's pipe it does nothing. before, if not nil,
// runs first and must be quick.
func DieWithParent(before func()) {
	pipe := parentPipe()
	if pipe == nil {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		if before != nil {
			before()
		}
		if syscall.Getpgrp() == os.Getpid() {
			_ = syscall.Kill(-os.Getpid(), syscall.SIGKILL)
		}
		os.Exit(1)
	}()
}

func parentPipe() *os.File {
	fd, err := strconv.Atoi(os.Getenv(FDVariable))
	if err != nil || fd < 3 {
		return nil
	}
	// The variable is this process's own: its children get pipes of their own.
	_ = os.Unsetenv(FDVariable)
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "parent")
}
