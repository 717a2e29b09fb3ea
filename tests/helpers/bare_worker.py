"""``dask worker`` where colonnade is not installed."""

import sys

if __name__ == "__main__":
    sys.modules["colonnade"] = None  # type: ignore[assignment]
    from distributed.cli.dask_worker import main

    main()
