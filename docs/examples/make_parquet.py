"""Writes the folder `parquet`: the tables of `district` as Parquet, with typed columns."""

from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve().parent
DAYS = ("from", "until", "since", "_on", "_from", "_until")


def main() -> None:
    """Write every table of the example district."""
    folder = HERE / "parquet"
    folder.mkdir(exist_ok=True)
    for file in sorted((HERE / "district").glob("*.csv")):
        table = pl.read_csv(file, infer_schema=False)
        days = [name for name in table.columns if name.endswith(DAYS)]
        plain = [name for name in days if _all_iso(table[name])]
        table.with_columns(pl.col(plain).str.to_date()).write_parquet(
            folder / f"{file.stem}.parquet"
        )


def _all_iso(column: pl.Series) -> bool:
    return bool(column.drop_nulls().str.contains(r"^\d{4}-\d{2}-\d{2}$").all())


if __name__ == "__main__":
    main()
