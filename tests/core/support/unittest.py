"""What tests/core uses of unittest, for MicroPython, which has none. CPython never sees this folder."""

import sys


class _Raises:
    def __init__(self, wanted):
        self._wanted = wanted
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if kind is None:
            raise AssertionError("%s was not raised" % self._wanted.__name__)
        self.exception = error
        return issubclass(kind, self._wanted)


class _SubTest:
    def __init__(self, label):
        self._label = label

    def __enter__(self):
        return self

    def __exit__(self, kind, _, __):
        if kind is not None:
            print("in the sub-test", self._label)
        return False


class TestCase:
    def setUp(self):
        pass

    def assertEqual(self, first, second, message=""):
        if first != second:
            raise AssertionError("%r != %r %s" % (first, second, message))

    def assertTrue(self, value, message=""):
        if not value:
            raise AssertionError("%r is not true %s" % (value, message))

    def assertFalse(self, value, message=""):
        if value:
            raise AssertionError("%r is not false %s" % (value, message))

    def assertIn(self, item, items, message=""):
        if item not in items:
            raise AssertionError("%r not in %r %s" % (item, items, message))

    def assertRaises(self, wanted):
        return _Raises(wanted)

    def subTest(self, label="", **values):
        return _SubTest((label, values))


def run(modules):
    """Run every test of the modules named; 0 when there are some and all pass, which the last line says."""
    passed, failed = 0, 0
    for module in modules:
        for value in __import__(module).__dict__.values():
            if not isinstance(value, type) or not issubclass(value, TestCase) or value is TestCase:
                continue
            for name in sorted([name for name in dir(value) if name.startswith("test")]):
                case = value()
                try:
                    case.setUp()
                    getattr(case, name)()
                    passed += 1
                except Exception as error:
                    failed += 1
                    print("FAILED %s.%s.%s" % (module, value.__name__, name))
                    sys.print_exception(error)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
