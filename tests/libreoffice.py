"""LibreOffice without a screen: it saves a workbook anew, as a school's own program does."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOFFICE = shutil.which("soffice")
needs_libreoffice = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")


def saved_by_libreoffice(path: Path, folder: Path, form: str = "xlsx") -> Path:
    """Open `path` in LibreOffice and save it into `folder` in another form."""
    assert SOFFICE is not None
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation={(folder / 'profile').resolve().as_uri()}",
            *("--headless", "--convert-to", form, "--outdir", folder, path),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    saved = folder / f"{path.stem}.{form}"
    assert saved.stat().st_size > 0
    return saved
