"""The start of the command line, as `mentor-rules` and as `python -m mentor_rules`."""

import signal


def main() -> None:
    """Run the command line. While its modules are imported, Ctrl-C ends it without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mentor_rules.cli import main as run

    run()


if __name__ == "__main__":
    main()
