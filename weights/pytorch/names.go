package pytorch

// What a name that a pickle may call makes of its arguments.
type construct func(m *machine, arguments []any) (any, error)

// names is the list of what a pickle may call, by module and name. Everything else is
// refused by its name.
func names() map[string]construct {
	n := map[string]construct{
		"torch._utils._rebuild_tensor":                        rebuildTensor,
		"torch._utils._rebuild_tensor_v2":                     rebuildTensor,
		"torch._utils._rebuild_tensor_v3":                     rebuildTypedTensor,
		"torch._utils._rebuild_parameter":                     rebuildParameter,
		"torch._utils._rebuild_parameter_with_state":          rebuildParameter,
		"torch._tensor._rebuild_from_type_v2":                 rebuildSubclass,
		"torch._utils._rebuild_device_tensor_from_cpu_tensor": rebuildParameter,
		"collections.OrderedDict":                             newDict,
		"collections.Counter":                                 newDict,
		"collections.defaultdict":                             newDefaultDict,
		"builtins.dict":                                       newDict,
		"torch.Size":                                          first,
		"_codecs.encode":                                      first,
		"copy_reg._reconstructor":                             reconstruct,
		"copyreg._reconstructor":                              reconstruct,
	}
	// Values that are of no use here, and whose makers do nothing but keep their arguments.
	for _, name := range []string{
		"torch.device", "torch.Generator", "torch._utils._set_obj_state",
		"builtins.set", "builtins.frozenset", "builtins.slice", "builtins.complex", "builtins.bytearray", "builtins.object", "builtins.range",
		"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "numpy.ndarray",
		"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy._core.numeric._frombuffer", "numpy.core.numeric._frombuffer",
		"pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath",
		"pathlib._local.PosixPath", "pathlib._local.WindowsPath",
		"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
		"uuid.UUID", "decimal.Decimal", "fractions.Fraction", "functools.partial",
	} {
		n[name] = opaqueOf(name)
	}
	return n
}

// python2 are modules that Python 2 calls otherwise.
var python2 = map[string]string{"__builtin__": "builtins", "copy_reg": "copyreg", "UserDict": "collections"}

func opaqueOf(name string) construct {
	return func(_ *machine, arguments []any) (any, error) { return &object{class: name, arguments: arguments}, nil }
}

func first(_ *machine, arguments []any) (any, error) {
	if len(arguments) == 0 {
		return nil, nil
	}
	return arguments[0], nil
}

// reconstruct makes an object as the pickles of protocols 0 and 1 do: of its class, a base
// and the base's value.
func reconstruct(m *machine, arguments []any) (any, error) {
	if len(arguments) > 0 {
		if class, ok := arguments[0].(global); ok {
			return newObject(string(class)), nil
		}
	}
	return nil, m.fail("a class for an object", "none")
}

func newDict(m *machine, arguments []any) (any, error) {
	d := &dict{}
	if len(arguments) == 0 {
		return d, nil
	}
	switch from := arguments[0].(type) {
	case *dict:
		d.entries = append(d.entries, from.entries...)
	case *list:
		for _, item := range from.items {
			pair := itemsOf(item)
			if len(pair) != 2 {
				return nil, m.fail("pairs of keys and values for a dict", "something else")
			}
			d.put(pair[0], pair[1])
		}
	}
	return d, nil
}

func newDefaultDict(*machine, []any) (any, error) { return &dict{}, nil }

// newObject makes an empty object of a class; those that are dicts or lists with methods
// are read as such.
func newObject(class string) any {
	switch class {
	case "collections.OrderedDict", "builtins.dict", "collections.defaultdict", "collections.Counter":
		return &dict{}
	}
	return &object{class: class}
}
