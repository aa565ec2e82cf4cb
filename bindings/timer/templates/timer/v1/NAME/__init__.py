import logging

import azure.functions as func


def main(timer: func.TimerRequest) -> None:
    if timer.past_due:
        logging.warning("The timer is past due.")
    logging.info("The timer fired.")
