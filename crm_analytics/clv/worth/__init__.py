"""What customers are worth ahead: the steps from histories to money that the analyses share."""
