package sourcetest

import (
	"reflect"
	"strings"
)

// copied is a copy of a record that shares no memory with it: texts that a source hands over may stand in memory that it uses again.
func copied[T any](record *T) *T {
	kept := *record
	own(reflect.ValueOf(&kept).Elem())
	return &kept
}

func own(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Clone(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			own(v.Field(i))
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(list, v)
		for i := range list.Len() {
			own(list.Index(i))
		}
		v.Set(list)
	}
}
