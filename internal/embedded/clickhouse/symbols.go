package clickhouse

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// symbols are the functions of libchdb that this package calls. A connection is a pointer to a handle; the functions that run
// queries take the handle, those that open and close take the pointer.
type symbols struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn         func(conn unsafe.Pointer)

	// query takes the parameters as parallel arrays: names, their lengths, values, their lengths.
	query   func(handle, query unsafe.Pointer, queryLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, params uintptr) unsafe.Pointer
	destroy func(result unsafe.Pointer)

	resultBuffer    func(result unsafe.Pointer) unsafe.Pointer
	resultLength    func(result unsafe.Pointer) uintptr
	resultElapsed   func(result unsafe.Pointer) float64
	resultRowsRead  func(result unsafe.Pointer) uint64
	resultBytesRead func(result unsafe.Pointer) uint64
	resultScanRows  func(result unsafe.Pointer) uint64
	resultScanBytes func(result unsafe.Pointer) uint64
	resultWroteRows func(result unsafe.Pointer) uint64
	resultWroteSize func(result unsafe.Pointer) uint64
	resultError     func(result unsafe.Pointer) unsafe.Pointer
}

// names lists every symbol once, with the field it fills; the check of a library file reads the names too.
func (s *symbols) names() map[string]any {
	return map[string]any{
		"chdb_set_signal_handlers_enabled": &s.setSignalHandlers,
		"chdb_connect":                     &s.connect,
		"chdb_close_conn":                  &s.closeConn,
		"chdb_query_with_params_n":         &s.query,
		"chdb_destroy_query_result":        &s.destroy,
		"chdb_result_buffer":               &s.resultBuffer,
		"chdb_result_length":               &s.resultLength,
		"chdb_result_elapsed":              &s.resultElapsed,
		"chdb_result_rows_read":            &s.resultRowsRead,
		"chdb_result_bytes_read":           &s.resultBytesRead,
		"chdb_result_storage_rows_read":    &s.resultScanRows,
		"chdb_result_storage_bytes_read":   &s.resultScanBytes,
		"chdb_result_rows_written":         &s.resultWroteRows,
		"chdb_result_bytes_written":        &s.resultWroteSize,
		"chdb_result_error":                &s.resultError,
	}
}

var loaded struct {
	sync.Mutex
	path string
	lib  *symbols
}

// load opens the library once per process: libchdb cannot be unloaded, and keeps its threads until the process ends.
func load(path string) (*symbols, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.lib != nil {
		if loaded.path != path {
			return nil, fmt.Errorf("this process has loaded %q already and cannot load %q as well", loaded.path, path)
		}
		return loaded.lib, nil
	}
	if err := checkLibrary(path); err != nil {
		return nil, err
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, damaged(path, err)
	}
	lib := new(symbols)
	for name, field := range lib.names() {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, damaged(path, fmt.Errorf("it has no function %s", name))
		}
		purego.RegisterFunc(field, address)
	}
	loaded.path, loaded.lib = path, lib
	return lib, nil
}
