package clickhouse

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// libraryVariable is the environment's name for a libchdb of the user's own.
const libraryVariable = "QUARTERHOUR_CHDB"

// FindLibrary gives the path of libchdb: $QUARTERHOUR_CHDB if set, else the copy that `make engine` keeps in the cache of
// downloads ($QUARTERHOUR_CACHE, else $XDG_CACHE_HOME/quarterhour, else ~/.cache/quarterhour). It only looks; Start checks
// the file before it loads it.
func FindLibrary() (string, error) {
	if path := os.Getenv(libraryVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("$%s names ClickHouse's engine, but %w: correct it, or unset it and run `make engine`", libraryVariable, err)
		}
		return path, nil
	}
	name, ok := packages[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("ClickHouse's engine is not published for %s/%s: use a ClickHouse server (clickhouse.url in the configuration)", runtime.GOOS, runtime.GOARCH)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "chdb-"+Version, "node_modules", filepath.FromSlash(name), "libchdb.so")
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("ClickHouse's engine is not at %q: run `make engine` once to download it", path)
		}
		return "", fmt.Errorf("look for ClickHouse's engine: %w", err)
	}
	return path, nil
}

// packages are the npm packages that hold libchdb, by operating system and processor.
var packages = map[string]string{"linux/amd64": "@chdb/lib-linux-x64-gnu"}

// Version of libchdb that package.json pins.
const Version = "26.5.3"

func cacheDir() (string, error) {
	if dir := os.Getenv("QUARTERHOUR_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "quarterhour"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for the cache of downloads: %w: set QUARTERHOUR_CACHE", err)
	}
	return filepath.Join(home, ".cache", "quarterhour"), nil
}

// checkLibrary refuses a file that the loader would crash on: one that is no library for this processor, or that was cut
// short. The section table is the last thing in the file, so its end is the size the file must have.
func checkLibrary(path string) error {
	file, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("ClickHouse's engine is not at %q: run `make engine` once to download it", path)
	}
	if err != nil {
		return damaged(path, err)
	}
	defer func() { _ = file.Close() }()
	if machine, ok := machines[runtime.GOARCH]; file.Type != elf.ET_DYN || !ok || file.Machine != machine {
		return damaged(path, fmt.Errorf("it is %s for %s, not a library for %s", file.Type, file.Machine, runtime.GOARCH))
	}
	if err := checkSize(path, file); err != nil {
		return err
	}
	return checkSymbols(path, file)
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

func checkSize(path string, file *elf.File) error {
	info, err := os.Stat(path)
	if err != nil {
		return damaged(path, err)
	}
	var need uint64
	for _, section := range file.Sections {
		if section.Type != elf.SHT_NOBITS {
			need = max(need, section.Offset+section.FileSize)
		}
	}
	for _, segment := range file.Progs {
		need = max(need, segment.Off+segment.Filesz)
	}
	if uint64(info.Size()) < need {
		return damaged(path, fmt.Errorf("it has %d bytes and should have at least %d", info.Size(), need))
	}
	return nil
}

// checkSymbols reads the names the library exports, before any of its code runs.
func checkSymbols(path string, file *elf.File) error {
	exported, err := file.DynamicSymbols()
	if err != nil {
		return damaged(path, err)
	}
	missing := new(symbols).names()
	for _, symbol := range exported {
		delete(missing, symbol.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		return damaged(path, fmt.Errorf("it has no function %s, so it is not libchdb %s", name, Version))
	}
	return nil
}

func damaged(path string, err error) error {
	if path == os.Getenv(libraryVariable) {
		return fmt.Errorf("ClickHouse's engine at %q cannot be used: %w: correct $%s, or unset it and run `make engine`", path, err, libraryVariable)
	}
	return fmt.Errorf("ClickHouse's engine at %q cannot be used: %w: delete that file and run `make engine`", path, err)
}
