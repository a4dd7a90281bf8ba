"""HDF5 files of h5py and what is in them: make.py (pip install h5py; written by h5py 3.14.0, HDF5 1.14.6).

  old.h5   superblock 0, symbol tables;  new.h5  libver='latest': superblock 3, links in messages and heaps
  v108.h5  libver='v108'; block.h5  behind a block of 512 bytes
  tiny_*.h5  as old and new, small
  expected.json  file: {path: [dtype, shape, values]}, attributes
"""
import json, os, h5py, numpy as np
HERE = os.path.dirname(os.path.abspath(__file__)); at = lambda n: os.path.join(HERE, n); out = {}
for name, options in dict(old=dict(), new=dict(libver='latest'), v108=dict(libver=('v108', 'v108')), block=dict(userblock_size=512)).items():
    r = np.random.default_rng(1)
    with h5py.File(at(name + '.h5'), 'w', **options) as f:
        f.attrs['text'] = 'vor'; f.attrs['bytes'] = np.bytes_(b'fixed'); f.attrs['names'] = ['a', 'bc', 'd' * 30]; f.attrs['fixed'] = np.array([b'one', b'three'])
        f.attrs['empty'] = np.array([], 'S1'); f.attrs['number'] = 3; f.attrs['long'] = 'x' * 70000 if name != 'v108' else 'short'
        g = f.create_group('layers')
        for i in range(24):
            d = g.create_group(f'layer_{i}'); d.attrs['name'] = f'conv_{i}'; d['v'] = np.float32([i, -i])
        t = f.create_group('tracked', track_order=True)
        for i in range(20): t.attrs[f'a{i}'] = f'value {i}'; t[f'd{i}'] = np.float32(i)
        a = r.normal(size=(7, 5, 3)).astype(np.float32)
        f['plain'] = a; f['half'] = a.astype(np.float16); f['double'] = a.astype('>f8'); f['whole'] = np.arange(5, dtype=np.int64); f['scalar'] = np.float32(2.5)
        f['none'] = np.zeros((0, 3), np.float32); f['word'] = 'text'
        f.create_dataset('gzip', data=a, chunks=(3, 2, 3), compression='gzip', shuffle=True, fletcher32=True)
        f.create_dataset('one', data=a, chunks=a.shape, compression='gzip'); f.create_dataset('chunks', data=a, chunks=(2, 5, 2)); f.create_dataset('shuffled', data=a, chunks=(7, 1, 1), shuffle=True)
        f.create_dataset('fill', shape=(5, 4), dtype='f4', chunks=(2, 2), fillvalue=1.5)[0, 0] = 3
        f.create_dataset('late', shape=(5,), dtype='f4', fillvalue=-1)
        f['link'] = h5py.SoftLink('/plain')
    with h5py.File(at(name + '.h5')) as f:
        e = {}
        f.visititems(lambda p, o: e.update({p: [o.dtype.name, list(o.shape), [float(v) for v in np.asarray(o, np.float64).flatten()]]}) if isinstance(o, h5py.Dataset) and o.dtype.kind in 'fiu' else None)
        out[name + '.h5'] = e
for name, options in dict(tiny_old={}, tiny_new=dict(libver='latest')).items():  # what fuzzing begins from
    with h5py.File(at(name + '.h5'), 'w', **options) as f:
        f.attrs['text'] = 'some'; f['g/a'] = np.float32([1, 2]); f.create_dataset('c', data=np.zeros((3, 2), np.float32), chunks=(2, 2), compression='gzip', shuffle=True)
json.dump(out, open(at('expected.json'), 'w'))
