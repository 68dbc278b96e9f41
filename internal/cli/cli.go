// Package cli is the command line: it reads flags and files, calls the App, and is the only package that prints.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage or an invalid file. An error is one readable line on standard error, and names
// file and line where it is about a file.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitInvalid = 2
)

// Surroundings are the process around a command.
type Surroundings struct {
	Args           []string // without the program's name
	Environ        []string // NAME=value
	Stdin          io.Reader
	StdinTerminal  bool
	Stdout, Stderr io.Writer
	Out, Err       console.Look
}

// Main runs the command that the process was started with, and returns its exit code. The first interrupt or SIGTERM stops
// the command cleanly, the second ends the process at once.
func Main(app App) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		stop()
		<-signals
		os.Exit(exitFailed)
	}()
	return Execute(ctx, app, Surroundings{
		Args: os.Args[1:], Environ: os.Environ(),
		Stdin: os.Stdin, StdinTerminal: console.LookOf(os.Stdin, os.LookupEnv).Terminal,
		Stdout: os.Stdout, Out: console.LookOf(os.Stdout, os.LookupEnv),
		Stderr: os.Stderr, Err: console.LookOf(os.Stderr, os.LookupEnv),
	})
}

// Execute runs one command and returns its exit code.
func Execute(ctx context.Context, app App, s Surroundings) int {
	progress := console.NewProgress(s.Stderr, s.Err, clock.Now)
	c := &command{app: app, around: s, env: spec.ParseEnvironment(s.Environ), progress: progress, screen: console.NewScreen(s.Stdout, s.Out)}
	if s.Out.Terminal && s.Err.Terminal {
		c.screen = console.NewScreen(progress.Beside(s.Stdout), s.Out)
	}
	if err := crash.Arm(c.env[crash.Variable]); err != nil {
		c.complain(err.Error())
		return exitInvalid
	}
	root := c.root()
	root.SetArgs(s.Args)
	root.SetIn(s.Stdin)
	root.SetOut(s.Stdout)
	root.SetErr(s.Stderr)
	err := root.ExecuteContext(ctx)
	c.progress.Close()
	if err == nil {
		err = c.screen.Err()
	}
	return c.report(err)
}

// report prints an error and returns the exit code that it stands for.
func (c *command) report(err error) int {
	var usage *usageError
	var invalid *spec.Invalid
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // the reader of a pipe had enough
		return exitDone
	case errors.As(err, &usage):
		c.complain(usage.Error())
		return exitInvalid
	case errors.As(err, &invalid):
		for _, p := range invalid.Problems {
			c.complain(p.String())
		}
		return exitInvalid
	case errors.Is(err, context.Canceled):
		c.complain("interrupted before it was done")
		return exitFailed
	}
	c.complain(err.Error())
	return exitFailed
}

// complain writes one line to standard error. Problems of files start with the file, as editors and grep like it.
func (c *command) complain(line string) { _, _ = io.WriteString(c.around.Stderr, oneLine(line)+"\n") }
