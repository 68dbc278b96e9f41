package weektest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/app"
	"github.com/quarterhour/quarterhour/internal/cli"
)

// roleVariable makes this test binary the program itself.
const roleVariable = "WEEKTEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(cli.Main(app.App{}))
	}
	os.Exit(m.Run())
}

// program is a run of quarterhour.
type program struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  *os.File
	done chan error
}

// start runs quarterhour beside the test. What it says is added to the log.
func (w *world) start(args ...string) *program {
	w.t.Helper()
	p := &program{t: w.t, done: make(chan error, 1)}
	var err error
	if p.log, err = os.OpenFile(filepath.Join(w.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		w.t.Fatal(err)
	}
	p.cmd = exec.Command(os.Args[0], args...)
	p.cmd.Env = w.environment()
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p
}

// kill ends the program as a machine that fails would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("the program had ended by itself: %v", err)
	}
	<-p.done
	_ = p.log.Close()
}

// stop ends the program as a person would.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("the program had ended by itself: %v", err)
	}
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("the program that was told to stop: %v", err)
		}
	case <-time.After(2 * time.Minute):
		p.t.Error("the program does not stop")
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.log.Close()
}

// ended says whether the program has ended by itself.
func (p *program) ended() bool {
	select {
	case err := <-p.done:
		p.done <- err
		return true
	default:
		return false
	}
}

// answer is what quarterhour prints.
func (w *world) answer(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = w.environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return out, err
}

func (w *world) environment() []string {
	env := append(os.Environ(), roleVariable+"=quarterhour")
	for _, v := range w.variables {
		env = append(env, v[0]+"="+v[1])
	}
	return env
}
